#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

struct http_reply {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    secret body;

    /// First field of that name (case-insensitive), empty if absent.
    std::string_view field(std::string_view name) const;
};

/// Small blocking HTTPS client for the commands of the CLI and the checks of `demo`. A seam: tests replace it.
class http_client {
public:
    virtual ~http_client() = default;
    /// One request on a fresh connection, at most `limit` for all of it; the reply's body at most 4 MiB. Redirects are
    /// not followed. `url` is absolute and https, a query is allowed. `fields` are the caller's without those that
    /// frame the message (Host, Connection, Content-Length, …). Errors: malformed_url, bad_request (a field is not
    /// valid), name_not_resolved, server_unreachable (also: closed early), connect_timeout (also: no answer in time),
    /// tls_handshake_timeout, tls_untrusted, tls_failed, unexpected_reply (not HTTP, too large), each naming the
    /// server.
    virtual outcome<http_reply> send(std::string_view method, const std::string& url,
                                     const std::vector<std::pair<std::string, std::string>>& fields,
                                     std::string_view body, std::chrono::milliseconds limit) = 0;
};

/// `cacert` as in net::make_client_context.
outcome<std::unique_ptr<http_client>> make_http_client(const std::string& cacert);

}  // namespace instatunnel::api
