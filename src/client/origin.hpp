#pragma once

#include <cstdint>

#include "instatunnel/engine/session.hpp"

namespace instatunnel::client {

/// What answers the requests of a tunnel: a local program behind connections, or a directory in this process. One
/// loop's thread.
class origin {
public:
    virtual ~origin() = default;
    /// Answers a stream that the edge opened, and releases it when it is over.
    virtual void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) = 0;
    /// Work on other threads will find nobody: call before the loop is destroyed.
    virtual void forget_look_ups() noexcept {}
    /// The loop is destroyed next, with all that it keeps; requests may be told that they are over until then.
    virtual void let_go_of_loop() noexcept {}
    /// Requests that are over.
    virtual std::uint64_t served() const noexcept = 0;
};

}  // namespace instatunnel::client
