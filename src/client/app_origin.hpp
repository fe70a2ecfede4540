#pragma once

#include "instatunnel/client/tunnel.hpp"
#include "origin.hpp"

namespace instatunnel::client {

/// The local program of `options.upstream`, over the HTTP version that `options.protocol` says. `loop`, `options` and
/// `events` outlive it. Looks the target's name up (blocking, once). Errors: tls_failed.
outcome<std::unique_ptr<origin>> open_app_origin(net::event_loop& loop, const tunnel_options& options,
                                                 tunnel_events& events);

}  // namespace instatunnel::client
