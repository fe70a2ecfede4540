#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

/// A request of a tunnel's visitor, as the edge remembers it.
struct request_entry {
    std::string at;  ///< RFC 3339
    std::string tunnel, tunnel_id, method, path;
    bool path_cut = false;
    std::optional<std::uint64_t> status;  ///< nullopt: the visitor left before there was one
    bool complete = true;
    std::uint64_t bytes_in = 0, bytes_out = 0;
    double ms = 0;
};

struct request_page {
    std::vector<request_entry> requests;  ///< oldest first
    std::string next;                     ///< asks for what comes later
    bool gap = false;                     ///< some may have been forgotten before they were asked for
};

struct request_question {
    std::string tunnel;  ///< name, host or id; empty: all of the account's
    std::string after;   ///< a page's `next`; empty: the newest are wanted
    std::string since;   ///< RFC 3339
    std::string status;  ///< "404", "5xx", …
    std::string path;    ///< beginning, or pattern with '*'
    std::uint64_t limit = 100;
    std::chrono::seconds wait{0};  ///< for a request to come; below the limit of a call
};

/// The log of requests of an edge.
class log_client {
public:
    /// `server` is the API base without /v1.
    log_client(http_client& http, std::string server);

    /// Errors: those of every call; not_found (no such tunnel), forbidden (the key lacks logs:read).
    outcome<request_page> requests(const secret& key, const request_question& asked);

private:
    http_client& http_;
    std::string server_;
};

}  // namespace instatunnel::api
