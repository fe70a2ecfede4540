#pragma once

#include "context.hpp"
#include "open_tunnel.hpp"

namespace instatunnel::cli {

/// What visitors of a tunnel have to know; at most one of the two is set.
struct visitor_access {
    secret password;
    secret basic;  ///< "user:password"
};

/// From --password and --auth, else from INSTATUNNEL_TUNNEL_PASSWORD and INSTATUNNEL_TUNNEL_AUTH. A flag draws a
/// notice: other users of the machine see it. Errors: usage (both of them, no colon, empty, longer than 256 bytes,
/// control characters), which never repeat a value.
outcome<visitor_access> choose_access(const open_options& options, context& c);

}  // namespace instatunnel::cli
