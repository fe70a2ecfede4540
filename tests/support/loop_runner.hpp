#pragma once

#include <chrono>
#include <functional>

#include "instatunnel/net/event_loop.hpp"

namespace instatunnel::test {

/// An event loop that a test runs until something holds.
class loop_runner {
public:
    net::event_loop loop;

    /// False when `limit` passed first.
    bool run_until(const std::function<bool()>& holds, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        bool held = false;
        std::function<void()> look = [&] {
            held = holds();
            if (held || std::chrono::steady_clock::now() >= end) return loop.stop();
            loop.post(look);
        };
        loop.post(look);
        loop.run();
        return held;
    }
    void run_for(std::chrono::milliseconds time) {
        run_until([] { return false; }, time);
    }
    /// One call on the loop's thread, and the end of its turn.
    void run_once(const std::function<void()>& work) {
        bool done = false;
        loop.post([&] {
            work();
            loop.post([&] { done = true; });
        });
        run_until([&] { return done; });
    }
};

}  // namespace instatunnel::test
