#pragma once

#include <functional>
#include <memory>

namespace instatunnel::app {

/// Delivers SIGINT and SIGTERM (and SIGHUP when asked) to a callback on a thread of its own, so that a callback may
/// take locks and call stop(). Blocks those signals for the whole process: make it before other threads start.
class signal_watcher {
public:
    using handler = std::function<void(int signal)>;
    explicit signal_watcher(handler on_signal, bool with_hup = false);
    ~signal_watcher();
    signal_watcher(const signal_watcher&) = delete;
    signal_watcher& operator=(const signal_watcher&) = delete;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace instatunnel::app
