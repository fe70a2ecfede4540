#include "upstream.hpp"

#include <openssl/ssl.h>

#include <algorithm>

#include "exchange.hpp"
#include "upstream_connection.hpp"

namespace instatunnel::client {

outcome<std::unique_ptr<upstream>> upstream::make(net::event_loop& loop, const tunnel_options& options,
                                                  tunnel_events& events) {
    std::unique_ptr<upstream> made(new upstream(loop, options, events));
    if (options.upstream.is_tls) {
        auto context = net::make_client_context({}, /*lanes_only=*/false);
        if (!context) return context.error();
        // A local app's certificate is usually its own: nobody can be between us and a loopback address.
        const bool local = is_local_name(options.upstream.host) || options.upstream.host.starts_with("127.") ||
                           options.upstream.host == "::1";
        if (local || !options.verify_upstream) SSL_CTX_set_verify(context->get(), SSL_VERIFY_NONE, nullptr);
        made->tls_ = std::move(*context);
    }
    return made;
}

upstream::upstream(net::event_loop& loop, const tunnel_options& options, tunnel_events& events)
    : loop_(loop), options_(options), events_(events), addresses_(loop, options.upstream) {}

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

void upstream::unreachable() {
    if (addresses_.note_unreachable())
        events_.on_notice({errc::target_unreachable, "Failed to reach local server " + options_.upstream.display});
}

void upstream::report(const request_info& info) {
    ++served_;
    events_.on_request(info);
    loop_.defer(*this);
}

}  // namespace instatunnel::client
