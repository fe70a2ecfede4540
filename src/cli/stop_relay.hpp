#pragma once

#include <functional>
#include <mutex>

namespace instatunnel::cli {

/// Carries "stop" from the thread that hears signals to whatever runs at the moment. Signals that come before anything
/// is attached are kept, so Ctrl+C during a slow start is not lost. Thread-safe.
class stop_relay {
public:
    /// `stop` is called once for each signal so far (at most twice: gently, at once) and for each one to come, on any
    /// thread, until detach() has returned.
    void attach(std::function<void()> stop) {
        const std::lock_guard hold(mutex_);
        stop_ = std::move(stop);
        for (unsigned i = 0; i < heard_ && i < 2; ++i)
            stop_();
    }
    void detach() {
        const std::lock_guard hold(mutex_);
        stop_ = nullptr;
    }
    void signal() {
        const std::lock_guard hold(mutex_);
        ++heard_;
        if (stop_) stop_();
    }
    unsigned heard() const {
        const std::lock_guard hold(mutex_);
        return heard_;
    }

private:
    mutable std::mutex mutex_;
    std::function<void()> stop_;
    unsigned heard_ = 0;
};

}  // namespace instatunnel::cli
