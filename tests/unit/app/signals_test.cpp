#include "instatunnel/app/signals.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <vector>

using instatunnel::app::signal_watcher;

namespace {

class seen_signals {
public:
    void add(int signal) {
        const std::lock_guard lock(mutex_);
        seen_.push_back(signal);
        changed_.notify_all();
    }
    std::vector<int> wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return seen_.size() >= count; });
        return seen_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<int> seen_;
};

bool is_blocked(int signal) {
    sigset_t mask;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    return ::sigismember(&mask, signal) == 1;
}

}  // namespace

TEST_CASE("signals reach the callback one after the other", "[signals]") {
    seen_signals seen;
    const signal_watcher watcher([&](int signal) { seen.add(signal); }, /*with_hup=*/true);
    ::kill(::getpid(), SIGTERM);
    CHECK(seen.wait_for(1) == std::vector<int>{SIGTERM});
    ::kill(::getpid(), SIGHUP);
    seen.wait_for(2);
    ::kill(::getpid(), SIGINT);
    CHECK(seen.wait_for(3) == std::vector<int>{SIGTERM, SIGHUP, SIGINT});
}

TEST_CASE("a watcher leaves the hang-up signal alone unless asked and restores what it blocked", "[signals]") {
    {
        seen_signals seen;
        const signal_watcher watcher([&](int signal) { seen.add(signal); });
        CHECK(is_blocked(SIGINT));
        CHECK(is_blocked(SIGTERM));
        CHECK_FALSE(is_blocked(SIGHUP));
    }
    CHECK_FALSE(is_blocked(SIGINT));
    CHECK_FALSE(is_blocked(SIGTERM));
}

TEST_CASE("the end of a watcher is not told to its callback", "[signals]") {
    seen_signals seen;
    {
        const signal_watcher watcher([&](int signal) { seen.add(signal); });
    }
    CHECK(seen.wait_for(0).empty());
}
