#include "interruption.hpp"

#include <cstdlib>

namespace instatunnel::cli {
interruption::interruption() : watcher_([this](int) { on_signal(); }, /*with_hup=*/true) {}

void interruption::on_signal() {
    const std::lock_guard hold(mutex_);
    if (++count_ > 1) std::_Exit(exit_interrupted);
    if (stop_) stop_();
    heard_.notify_all();
}

bool interruption::happened() const {
    const std::lock_guard hold(mutex_);
    return count_ > 0;
}

bool interruption::sleep(std::chrono::milliseconds length) {
    std::unique_lock hold(mutex_);
    return !heard_.wait_for(hold, length, [this] { return count_ > 0; });
}

void interruption::during(const std::function<void()>& stop, const std::function<void()>& wait) {
    {
        const std::lock_guard hold(mutex_);
        stop_ = stop;
        if (count_ > 0) stop_();
    }
    wait();
    const std::lock_guard hold(mutex_);
    stop_ = nullptr;
}

}  // namespace instatunnel::cli
