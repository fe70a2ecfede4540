#pragma once

#include <cstdint>
#include <memory>

#include "instatunnel/base/error.hpp"

namespace instatunnel::app {

/// The little web app that `instatunnel demo` forwards when the user names none: a page that explains what happened,
/// /echo, /events (server-sent events, one a second) and /headers. Loopback only, on a free port, on its own thread.
class sample_site {
public:
    static outcome<std::unique_ptr<sample_site>> start();
    virtual ~sample_site() = default;
    virtual std::uint16_t port() const noexcept = 0;
};

}  // namespace instatunnel::app
