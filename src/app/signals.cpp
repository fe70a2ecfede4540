#include "instatunnel/app/signals.hpp"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <thread>

namespace instatunnel::app {
namespace {

sigset_t watched_signals(bool with_hup) {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    if (with_hup) ::sigaddset(&set, SIGHUP);
    return set;
}

}  // namespace

class signal_watcher::impl {
public:
    impl(handler on_signal, bool with_hup) : on_signal_(std::move(on_signal)), set_(watched_signals(with_hup)) {
        ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
        thread_ = std::thread([this] { watch(); });
    }

    ~impl() {
        stopping_ = true;
        // The thread sleeps in sigwait, which only a signal ends; this one is for it alone.
        ::pthread_kill(thread_.native_handle(), SIGTERM);
        thread_.join();
        // One that came too late to be delivered must not kill the process when the mask opens.
        const timespec at_once{};
        while (::sigtimedwait(&set_, nullptr, &at_once) > 0) {
        }
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

private:
    void watch() {
        for (;;) {
            int signal = 0;
            const bool got = ::sigwait(&set_, &signal) == 0;
            if (stopping_) return;
            if (got) on_signal_(signal);
        }
    }

    const handler on_signal_;
    const sigset_t set_;
    sigset_t before_{};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

signal_watcher::signal_watcher(handler on_signal, bool with_hup)
    : impl_(std::make_unique<impl>(std::move(on_signal), with_hup)) {}

signal_watcher::~signal_watcher() = default;

}  // namespace instatunnel::app
