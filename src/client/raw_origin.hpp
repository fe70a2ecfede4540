#pragma once

#include "instatunnel/client/tunnel.hpp"
#include "origin.hpp"

namespace instatunnel::client {

/// The local program behind a tcp or tls tunnel: every visitor's connection gets one to the program, and bytes go both
/// ways unread. Arguments outlive it. Looks the target's name up (blocks, once). Errors: tls_failed.
outcome<std::unique_ptr<origin>> open_raw_origin(net::event_loop& loop, const tunnel_options& options,
                                                 tunnel_events& events);

}  // namespace instatunnel::client
