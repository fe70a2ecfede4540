#pragma once

#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/client/tunnel.hpp"

namespace instatunnel::client {

/// A tunnel that a v1 server has made, or that was there.
struct v1_place {
    std::string path;  ///< of its WebSocket
    std::string url;
    std::string name;
    bool guarded = false;  ///< made with a password for its visitors
};

/// Asks a v1 server for the tunnel that `options` describe: makes it, or finds the one to connect to. Blocks.
/// Errors: of the connection; invalid_key, forbidden, name_taken, not_found, rate_limited, usage (what v1 cannot),
/// unexpected_reply.
outcome<v1_place> open_v1_tunnel(const tunnel_options& options);

/// Whether the server at `server` has nothing better than v1: it says so, or it knows nothing of /v1/meta. Blocks.
bool speaks_only_v1(const std::string& server, const std::string& cacert);

/// What a refusal of a v1 server means. `body`: JSON with "message" or "error", or text.
failure failure_of_v1(int status, std::string_view body, const std::string& server);

}  // namespace instatunnel::client
