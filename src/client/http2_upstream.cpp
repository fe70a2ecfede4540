#include "http2_upstream.hpp"

#include <algorithm>
#include <utility>

#include "http2_app_connection.hpp"
#include "http2_app_limits.hpp"
#include "http2_call.hpp"

namespace instatunnel::client {

using engine::code;

http2_upstream::http2_upstream(local_app& app) : app_(app) {}

http2_upstream::~http2_upstream() = default;

void http2_upstream::serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    if (spare_.empty()) {
        calls_.push_back(std::make_unique<http2_call>(*this));
        spare_.push_back(calls_.back().get());
    }
    http2_call* c = spare_.back();
    spare_.pop_back();
    c->start(s, open, flags);
}

http2_app_connection* http2_upstream::find_room() {
    for (std::size_t i = 0; i < connections_.size();) {
        http2_app_connection* k = connections_[i];
        if (!k->has_room()) {
            ++i;
        } else if (k->is_alive()) {
            return k;
        } else {
            i = 0;  // it has left the list, or has no room any more
        }
    }
    return nullptr;
}

bool http2_upstream::may_open() const noexcept {
    const auto leaving = static_cast<std::size_t>(
        std::ranges::count_if(connections_, [](const http2_app_connection* k) { return k->is_leaving(); }));
    return connecting_ == nullptr && connections_.size() - leaving < http2_app_limits::connections &&
           leaving < http2_app_limits::leaving_connections;
}

void http2_upstream::acquire(http2_call& c) {
    if (http2_app_connection* k = find_room(); k != nullptr) return c.on_connection(*k);
    waiting_.push_back(&c);
    serve_waiting();
}

void http2_upstream::forget_waiting(http2_call& c) noexcept {
    std::erase(waiting_, &c);
}

void http2_upstream::serve_waiting() {
    if (serving_waiting_) return;  // a connection that fails at once comes back here
    serving_waiting_ = true;
    while (!waiting_.empty()) {
        if (http2_app_connection* k = find_room(); k != nullptr) {
            http2_call* next = waiting_.front();
            waiting_.pop_front();
            next->on_connection(*k);
            continue;
        }
        if (!may_open()) break;
        // Greeted, and hung up on at once: the next connection would fare no better.
        if (useless_ >= http2_app_limits::useless_connections) {
            useless_ = 0;
            fail_waiting(code::origin_reset, {});
            break;
        }
        connecting_ = &http2_app_connection::make(*this);
        connections_.push_back(connecting_);
        connecting_->open();
        if (connecting_ == nullptr) break;  // it has failed already
    }
    serving_waiting_ = false;
}

void http2_upstream::ready(http2_app_connection& k) {
    if (connecting_ == &k) connecting_ = nullptr;
    told_ = false;
    serve_waiting();
}

void http2_upstream::connect_failed(http2_app_connection& k, code why, std::string_view text) {
    closed(k);
    useless_ = 0;
    // Calls that only wait for room on another connection go on waiting.
    if (std::ranges::any_of(connections_, [](const http2_app_connection* o) { return !o->is_leaving(); })) return;
    tell_person(why, text);
    fail_waiting(why, text);
}

void http2_upstream::fail_waiting(code why, std::string_view text) {
    auto failed = std::move(waiting_);
    waiting_.clear();
    for (http2_call* c : failed)
        c->on_connect_failed(why, text);
}

void http2_upstream::closed(http2_app_connection& k) {
    if (connecting_ == &k) connecting_ = nullptr;
    useless_ = k.has_served() ? 0 : useless_ + 1;
    std::erase(connections_, &k);
}

// An app that is down is told about by local_app.
void http2_upstream::tell_person(code why, std::string_view text) {
    if (why != code::origin_version || std::exchange(told_, true)) return;
    app_.notice({errc::target_bad_response, app_.options().upstream.display + ": " + std::string(text),
                 "Check the port, or start the tunnel with --upstream http1"});
}

}  // namespace instatunnel::client
