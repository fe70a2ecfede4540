#pragma once

#include <functional>
#include <string>

#include "context.hpp"
#include "credentials.hpp"
#include "instatunnel/client/tunnel.hpp"

namespace instatunnel::cli {

/// Opens a tunnel, says what happens, and holds it until it is stopped or cannot go on. Sets server and key of `tunnel`
/// to those in use. `quiet`: no line for each request or connection. `when_ready` gets the address, on the tunnel's
/// thread; may be empty.
outcome<exit_code> hold_tunnel(client::tunnel_options tunnel, const credentials& in_use, bool quiet, context& c,
                               std::function<void(const std::string& url)> when_ready = {});

}  // namespace instatunnel::cli
