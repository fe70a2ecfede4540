#include "replay_queue.hpp"

#include <algorithm>
#include <utility>

namespace instatunnel::client {
namespace {

constexpr std::chrono::milliseconds cut_limit{2'000};  // until a replay that is cut has been told to its origin

}  // namespace

void replay_queue::open(origin& to) {
    const std::lock_guard lock(guard_);
    origin_ = &to;
}

outcome<recorded> replay_queue::run(replay_request what, std::chrono::milliseconds limit, const std::stop_token& stop) {
    if (record_ == nullptr) return failure(errc::usage, "This tunnel records nothing");
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const auto number = post(std::move(what));
    if (!number) return failure(errc::tunnel_closed, "The tunnel has ended", "Open it again");
    if (!record_->wait_until_over(*number, deadline, stop)) {
        loop_.post([this, n = *number] { cut(n); });
        record_->wait_until_over(*number, std::chrono::steady_clock::now() + cut_limit, {});
    }
    auto found = record_->find(*number);
    if (!found) return failure(errc::not_found, "Newer requests have taken the replay's place in the recording");
    return std::move(*found);
}

// Nullopt: nobody is there to answer.
std::optional<std::uint64_t> replay_queue::post(replay_request what) {
    const std::lock_guard lock(guard_);
    if (origin_ == nullptr) return std::nullopt;
    const auto number = record_->announce(what);
    posted_.push_back(number);
    // What is posted must be copyable.
    const auto held = std::make_shared<replay_request>(std::move(what));
    loop_.post([this, number, held] { begin(number, std::move(*held)); });
    return number;
}

void replay_queue::begin(std::uint64_t number, replay_request what) {
    origin* to = nullptr;
    {
        const std::lock_guard lock(guard_);
        if (std::erase(posted_, number) == 0) return;
        to = origin_;
    }
    replay_link_events& self = *this;
    links_.push_back(std::make_unique<replay_link>(loop_, chunks_, *to, *record_, number, std::move(what), self));
    links_.back()->start();
}

void replay_queue::cut(std::uint64_t number) {
    const auto found = std::ranges::find(links_, number, &replay_link::number);
    if (found == links_.end()) return;
    (*found)->abandon("The replay's time is over");
    drop(number);
}

void replay_queue::drop(std::uint64_t number) {
    const auto found = std::ranges::find(links_, number, &replay_link::number);
    if (found == links_.end()) return;
    loop_.retire(std::move(*found));
    links_.erase(found);
}

void replay_queue::close() {
    const std::lock_guard lock(guard_);
    origin_ = nullptr;
    for (const auto number : std::exchange(posted_, {}))
        record_->give_up(number, "tunnel_closed", {});
    for (auto& link : std::exchange(links_, {})) {
        link->abandon("The tunnel has ended");
        loop_.retire(std::move(link));
    }
}

}  // namespace instatunnel::client
