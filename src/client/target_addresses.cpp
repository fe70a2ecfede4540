#include "target_addresses.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::client {
namespace {

// While the app is down its name is asked for at most this often.
constexpr std::chrono::seconds look_up_pause{5};

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

}  // namespace

bool is_local_name(std::string_view host) noexcept {
    return iequals(host, "localhost") || (host.size() > 10 && iequals(host.substr(host.size() - 10), ".localhost"));
}

target_addresses::target_addresses(net::event_loop& loop, target to)
    : loop_(loop), to_(std::move(to)), all_(look_up(to_)), ticket_(std::make_shared<ticket>(this)) {}

target_addresses::~target_addresses() {
    forget_look_ups();
}

void target_addresses::forget_look_ups() noexcept {
    const std::lock_guard lock(ticket_->guard);
    ticket_->owner = nullptr;
}

bool target_addresses::note_unreachable() {
    const bool is_news = !std::exchange(was_unreachable_, true);
    if (to_.is_unix || is_local_name(to_.host) || loop_.now() - last_look_up_ < look_up_pause) return is_news;
    last_look_up_ = loop_.now();
    look_up_again();
    return is_news;
}

// Asking a resolver blocks: a thread of its own does it, and may outlive us.
void target_addresses::look_up_again() {
    const auto look = [ticket = ticket_, to = to_] {
        auto found = std::make_shared<std::vector<socket_address>>(look_up(to));
        const std::lock_guard lock(ticket->guard);
        target_addresses* self = ticket->owner;
        if (self == nullptr || found->empty()) return;
        self->loop_.post([self, found] {
            self->all_ = std::move(*found);
            self->preferred_ = 0;
        });
    };
    try {
        std::thread(look).detach();
    } catch (const std::system_error&) {
        log::debug("upstream.no_thread");  // the next failure tries again
    }
}

}  // namespace instatunnel::client
