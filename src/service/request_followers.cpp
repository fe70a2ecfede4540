#include "request_followers.hpp"

#include <algorithm>
#include <utility>

namespace instatunnel::service {
namespace {

// A busy edge must not wake the service for each request: within this after a look the next one waits for the tick.
constexpr std::chrono::milliseconds look_at_most_every{100};

}  // namespace

request_followers::request_followers(request_log& log, work_queue& queue, const tuning& settings)
    : log_(log), queue_(queue), settings_(settings) {}

void request_followers::follow(const call_ptr& c, request_log::filter wanted, std::chrono::seconds limit, answer done) {
    const auto now = log_.find(wanted);
    if (!now.requests.empty() || now.has_gap || released_ || !has_room(wanted.account_id)) return done(c, now);
    wanted.after = now.next;
    waiting_.push_back({c, std::move(wanted), settings_.steady() + limit, std::move(done)});
    listen();
}

bool request_followers::has_room(const std::string& account_id) const {
    const auto mine =
        std::ranges::count_if(waiting_, [&](const follower& f) { return f.wanted.account_id == account_id; });
    return waiting_.size() < max_waiting && static_cast<std::size_t>(mine) < max_of_account;
}

void request_followers::listen() {
    // If the queue is full the next tick looks.
    log_.call_at_next([this] { (void)queue_.post([this] { look(); }); });
}

void request_followers::look() {
    if (waiting_.empty()) return;
    const auto now = settings_.steady();
    std::erase_if(waiting_, [&](follower& f) {
        const auto page = log_.find(f.wanted);
        if (page.requests.empty() && !page.has_gap && now < f.until && !released_) {
            f.wanted.after = page.next;  // what did not fit is not looked at again
            return false;
        }
        f.done(f.asked, page);
        return true;
    });
    const bool is_calm = now - looked_ >= look_at_most_every;
    looked_ = now;
    if (is_calm && !waiting_.empty()) listen();
}

void request_followers::release() {
    (void)queue_.post_continuation([this] {
        released_ = true;
        look();
    });
}

}  // namespace instatunnel::service
