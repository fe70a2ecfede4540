#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>

#include "instatunnel/app/signals.hpp"

namespace instatunnel::cli {

/// What a shell gives for SIGINT: 128 and its number.
inline constexpr int exit_interrupted = 130;

/// Ctrl+C, SIGTERM and a terminal that goes away (SIGHUP) while a command waits for somebody elsewhere. The first one
/// ends the wait; the second one ends the program at once, should it be busy with something that takes long.
class interruption {
public:
    interruption();
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;

    bool happened() const;

    /// False if it was interrupted, now or before.
    bool sleep(std::chrono::milliseconds length);

    /// Calls `wait` while `stop` is what the first signal calls, on another thread; at once if it has come already.
    void during(const std::function<void()>& stop, const std::function<void()>& wait);

private:
    void on_signal();

    mutable std::mutex mutex_;
    std::condition_variable heard_;
    unsigned count_ = 0;
    std::function<void()> stop_;
    app::signal_watcher watcher_;  ///< last: its thread uses the others
};

}  // namespace instatunnel::cli
