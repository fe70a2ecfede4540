#include "upstream.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <system_error>
#include <thread>

#include "exchange.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "upstream_connection.hpp"

namespace instatunnel::client {
namespace {

socket_address unix_address(const std::string& path) {
    socket_address a;
    auto& un = reinterpret_cast<sockaddr_un&>(a.storage);
    un.sun_family = AF_UNIX;
    path.copy(un.sun_path, sizeof un.sun_path - 1);
    a.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return a;
}

socket_address loopback(int family, std::uint16_t port) {
    socket_address a;
    a.on_loopback = true;
    if (family == AF_INET6) {
        auto& in6 = reinterpret_cast<sockaddr_in6&>(a.storage);
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        in6.sin6_addr = in6addr_loopback;
        a.size = sizeof(sockaddr_in6);
    } else {
        auto& in = reinterpret_cast<sockaddr_in&>(a.storage);
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        a.size = sizeof(sockaddr_in);
    }
    return a;
}

bool is_local_name(std::string_view host);

// All addresses of the target, at most 8; empty when its name cannot be resolved. Blocks.
std::vector<socket_address> look_up(const target& to) {
    if (to.is_unix) return {unix_address(to.unix_path)};
    if (is_local_name(to.host)) return {loopback(AF_INET, to.port), loopback(AF_INET6, to.port)};
    std::vector<socket_address> addresses;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found) != 0) return addresses;
    for (const auto* a = found; a != nullptr && addresses.size() < 8; a = a->ai_next) {
        socket_address copy;
        std::memcpy(&copy.storage, a->ai_addr, a->ai_addrlen);
        copy.size = a->ai_addrlen;
        addresses.push_back(copy);
    }
    ::freeaddrinfo(found);
    return addresses;
}

bool is_local_name(std::string_view host) {
    return iequals(host, "localhost") || (host.size() > 10 && iequals(host.substr(host.size() - 10), ".localhost"));
}

}  // namespace

outcome<std::unique_ptr<upstream>> upstream::make(net::event_loop& loop, const tunnel_options& options,
                                                  tunnel_events& events) {
    std::unique_ptr<upstream> made(new upstream(loop, options, events));
    made->addresses_ = look_up(options.upstream);
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
    : loop_(loop), options_(options), events_(events), ticket_(std::make_shared<ticket>(this)) {}

upstream::~upstream() {
    forget_look_ups();
}

void upstream::forget_look_ups() noexcept {
    const std::lock_guard lock(ticket_->guard);
    ticket_->owner = nullptr;
}

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

void upstream::connected(std::size_t address) {
    preferred_ = address;
    was_unreachable_ = false;
}

void upstream::unreachable() {
    if (!was_unreachable_)
        events_.on_notice({errc::target_unreachable, "Failed to reach local server " + options_.upstream.display});
    was_unreachable_ = true;
    // The name may point elsewhere by now. Rare and bounded: at most once in five seconds while the app is down.
    if (options_.upstream.is_unix || is_local_name(options_.upstream.host)) return;
    if (loop_.now() - last_look_up_ < std::chrono::seconds(5)) return;
    last_look_up_ = loop_.now();
    look_up_again();
}

// Asking a resolver blocks: a thread of its own does it, and may outlive us.
void upstream::look_up_again() {
    const auto look = [ticket = ticket_, to = options_.upstream] {
        auto found = std::make_shared<std::vector<socket_address>>(look_up(to));
        const std::lock_guard lock(ticket->guard);
        upstream* self = ticket->owner;
        if (self == nullptr || found->empty()) return;
        self->loop_.post([self, found] {
            self->addresses_ = std::move(*found);
            self->preferred_ = 0;
        });
    };
    try {
        std::thread(look).detach();
    } catch (const std::system_error&) {
        log::debug("upstream.no_thread");  // the next failure tries again
    }
}

void upstream::report(const request_info& info) {
    ++served_;
    events_.on_request(info);
    loop_.defer(*this);
}

}  // namespace instatunnel::client
