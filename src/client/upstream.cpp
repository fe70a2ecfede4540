#include "upstream.hpp"

#include <algorithm>

#include "exchange.hpp"
#include "upstream_connection.hpp"

namespace instatunnel::client {

upstream::upstream(local_app& app) : app_(app) {}

upstream::~upstream() = default;

void upstream::serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    if (spare_.empty()) {
        exchanges_.push_back(std::make_unique<exchange>(*this));
        spare_.push_back(exchanges_.back().get());
    }
    exchange* e = spare_.back();
    spare_.pop_back();
    e->start(s, open, flags);
}

void upstream::acquire(exchange& e) {
    while (!idle_.empty()) {
        upstream_connection* c = idle_.back();
        idle_.pop_back();
        // A repeatable request is simply sent again if the connection turns out to be dead; others ask first.
        // So does one that may hold bytes nobody asked for: they would pass for the next reply.
        if ((!e.is_repeatable() || c->bytes().may_hold_input()) && c->seems_closed()) {
            c->discard();
            continue;
        }
        c->lend(e);
        return e.on_connection(*c);
    }
    acquire_fresh(e);
}

void upstream::acquire_fresh(exchange& e) {
    if (connections_ >= max_connections) {
        waiting_.push_back(&e);
        return;
    }
    ++connections_;
    upstream_connection::open(*this, e);
}

void upstream::forget_waiting(exchange& e) noexcept {
    std::erase(waiting_, &e);
}

void upstream::put_idle(upstream_connection& c) {
    idle_.push_back(&c);
    serve_waiting();
    if (idle_.size() > max_idle) idle_.front()->discard();
}

void upstream::remove_idle(upstream_connection& c) noexcept {
    std::erase(idle_, &c);
}

void upstream::connection_closed() {
    --connections_;
    serve_waiting();
}

void upstream::add_event_stream(std::string_view endpoint, exchange& e) {
    remove_event_stream(e);
    // Absolute, or relative to the stream's own address (HTML Living Standard §2.4): what arrives here is a path.
    if (const auto scheme = endpoint.find("://"); scheme != std::string_view::npos) {
        const auto path = endpoint.find('/', scheme + 3);
        endpoint = path == std::string_view::npos ? std::string_view("/") : endpoint.substr(path);
    }
    std::string path(endpoint);
    if (!path.starts_with('/')) path.insert(path.begin(), '/');
    event_streams_.emplace_back(std::move(path), &e);
}

void upstream::remove_event_stream(exchange& e) noexcept {
    std::erase_if(event_streams_, [&e](const auto& known) { return known.second == &e; });
}

exchange* upstream::event_stream_for(std::string_view path) noexcept {
    const auto found = std::ranges::find_if(event_streams_, [path](const auto& known) { return known.first == path; });
    return found == event_streams_.end() ? nullptr : found->second;
}

void upstream::serve_waiting() {
    if (serving_waiting_) return;  // a connection that fails at once comes back here
    serving_waiting_ = true;
    while (!waiting_.empty() && (!idle_.empty() || connections_ < max_connections)) {
        exchange* next = waiting_.front();
        waiting_.pop_front();
        acquire(*next);
    }
    serving_waiting_ = false;
}

}  // namespace instatunnel::client
