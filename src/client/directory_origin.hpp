#pragma once

#include "instatunnel/client/tunnel.hpp"
#include "origin.hpp"

namespace instatunnel::client {

/// The directory of `options.upstream`. `loop`, `options` and `events` outlive it. Errors: target_unreachable.
outcome<std::unique_ptr<origin>> open_directory_origin(net::event_loop& loop, const tunnel_options& options,
                                                       tunnel_events& events);

}  // namespace instatunnel::client
