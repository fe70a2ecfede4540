#include "mail_queue.hpp"

#include <algorithm>
#include <utility>

#include "instatunnel/base/log.hpp"

namespace instatunnel::mail {

mail_queue::mail_queue(transport send, options o)
    : send_(std::move(send)), options_(std::move(o)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

mail_queue::~mail_queue() {
    mail_queue::stop();
}

outcome<void> mail_queue::post(message m) {
    {
        const std::lock_guard hold(mutex_);
        if (stopped_ || waiting_.size() >= options_.capacity) {
            log::warn("mail.dropped").with("cause", stopped_ ? "the service ends" : "too many mails wait");
            return failure(errc::busy);
        }
        waiting_.push_back({std::move(m), 0, std::chrono::steady_clock::now()});
    }
    wake_.notify_one();
    return {};
}

void mail_queue::run(const std::stop_token& stop) {
    for (;;) {
        auto one = next(stop);
        if (one.empty()) return;
        const auto how = send_(one.front().mail, stop);
        settle(std::move(one), how, stop);
    }
}

std::list<mail_queue::entry> mail_queue::next(const std::stop_token& stop) {
    std::list<entry> one;
    std::unique_lock hold(mutex_);
    while (!stop.stop_requested()) {
        const auto first = std::ranges::min_element(waiting_, {}, &entry::due);
        if (first == waiting_.end()) {
            wake_.wait(hold, stop, [this] { return !waiting_.empty(); });
        } else if (first->due > std::chrono::steady_clock::now()) {
            const auto seen = waiting_.size();
            wake_.wait_until(hold, stop, first->due, [this, seen] { return waiting_.size() != seen; });
        } else {
            one.splice(one.begin(), waiting_, first);
            break;
        }
    }
    return one;
}

void mail_queue::settle(std::list<entry> one, delivery how, const std::stop_token& stop) {
    auto& mail = one.front();
    if (how == delivery::sent) {
        log::info("mail.sent").with("subject", mail.mail.subject).with("tries", mail.tries + 1);
        return;
    }
    const bool again = how == delivery::try_later && mail.tries < options_.pauses.size();
    if (!again) {
        log::error("mail.dropped")
            .with("subject", mail.mail.subject)
            .with("tries", mail.tries + 1)
            .with("cause", how == delivery::refused ? "the mail server refused it" : "the mail server did not take it");
        return;
    }
    if (stop.stop_requested()) return;
    mail.due = std::chrono::steady_clock::now() + options_.pauses[mail.tries++];
    const std::lock_guard hold(mutex_);
    waiting_.splice(waiting_.end(), one);
}

void mail_queue::stop() {
    std::size_t left = 0;
    {
        const std::lock_guard hold(mutex_);
        if (std::exchange(stopped_, true)) return;
    }
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    left = waiting_.size();
    waiting_.clear();
    if (left > 0) log::warn("mail.dropped").with("cause", "the service ends").with("mails", left);
}

}  // namespace instatunnel::mail
