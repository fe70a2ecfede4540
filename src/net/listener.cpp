#include "instatunnel/net/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>

#include "instatunnel/base/log.hpp"

namespace instatunnel::net {
namespace {

// The handshakes of a burst must not stall live streams: at most this many new connections a turn.
constexpr int accepts_per_turn = 8;
constexpr int backlog = 4096;

failure listen_failure(const listen_address& at, int error) {
    const std::string where = at.host + ":" + std::to_string(at.port);
    if (error == EADDRINUSE)
        return {errc::address_in_use, "The address " + where + " is in use by another program",
                "Stop it or choose another one: --listen 127.0.0.1:" + std::to_string(at.port + 1)};
    if (error == EACCES)
        return {errc::file_permission, "Listening on port " + std::to_string(at.port) + " needs more rights",
                "Use a port above 1023, or: setcap cap_net_bind_service=+ep $(command -v instatunnel)"};
    return {errc::address_in_use, "Cannot listen on " + where + ": " + std::strerror(error), "Choose another --listen"};
}

outcome<unique_fd> bind_and_listen(const listen_address& at, const sockaddr* address, socklen_t size, int family) {
    unique_fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return listen_failure(at, errno);
    const int on = 1, off = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (::bind(fd.get(), address, size) != 0 || ::listen(fd.get(), backlog) != 0) return listen_failure(at, errno);
    return fd;
}

unique_fd open_spare() {
    return unique_fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

/// Given up for a moment to turn somebody away when there are no descriptors left; one for all listeners of a thread.
thread_local unique_fd spare;

}  // namespace

outcome<listen_address> parse_listen_address(std::string_view text) {
    listen_address at;
    auto port = text;
    if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
        at.host = text.substr(0, colon);
        port = text.substr(colon + 1);
        if (at.host.starts_with('[') && at.host.ends_with(']')) at.host = at.host.substr(1, at.host.size() - 2);
        if (at.host == "*") at.host.clear();
    }
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), at.port);
    if (ec != std::errc() || end != port.data() + port.size() || port.empty())
        return failure(errc::usage, "'" + std::string(text) + "' is no address to listen on",
                       "Write it like 127.0.0.1:8443, [::1]:8443 or :443");
    return at;
}

outcome<unique_fd> open_listener(const listen_address& at) {
    if (at.host.empty()) {
        sockaddr_in6 any{};
        any.sin6_family = AF_INET6;
        any.sin6_port = htons(at.port);
        auto both = bind_and_listen(at, reinterpret_cast<sockaddr*>(&any), sizeof any, AF_INET6);
        if (both || both.error().code == errc::file_permission || errno == EADDRINUSE) return both;
        sockaddr_in any4{};
        any4.sin_family = AF_INET;
        any4.sin_port = htons(at.port);
        return bind_and_listen(at, reinterpret_cast<sockaddr*>(&any4), sizeof any4, AF_INET);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* found = nullptr;
    const std::string host = at.host == "localhost" ? "127.0.0.1" : at.host;
    if (::getaddrinfo(host.c_str(), std::to_string(at.port).c_str(), &hints, &found) != 0 || found == nullptr)
        return failure(errc::usage, "'" + at.host + "' is no address of this machine",
                       "Write an address, like 127.0.0.1, or leave it out for all: --listen :443");
    auto fd = bind_and_listen(at, found->ai_addr, found->ai_addrlen, found->ai_family);
    ::freeaddrinfo(found);
    return fd;
}

std::uint16_t local_port(int fd) noexcept {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6&>(address).sin6_port);
    return ntohs(reinterpret_cast<sockaddr_in&>(address).sin_port);
}

peer_name make_peer_name(std::uint8_t family, const unsigned char* bytes, std::uint16_t port) {
    peer_name name;
    if (family != 4 && family != 6) return name;
    static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (family == 6 && std::memcmp(bytes, mapped, sizeof mapped) == 0) {
        family = 4;
        bytes += sizeof mapped;
    }
    name.family = family;
    name.port = port;
    std::memcpy(name.bytes, bytes, family == 4 ? 4 : 16);
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(family == 4 ? AF_INET : AF_INET6, name.bytes, text, sizeof text);
    name.address = text;
    name.is_loopback = family == 4 ? name.bytes[0] == 127 : name.address == "::1";
    return name;
}

namespace {

peer_name name_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        return make_peer_name(4, reinterpret_cast<const unsigned char*>(&v4.sin_addr), ntohs(v4.sin_port));
    }
    if (address.ss_family != AF_INET6) return {};
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    return make_peer_name(6, v6.sin6_addr.s6_addr, ntohs(v6.sin6_port));
}

}  // namespace

peer_name peer_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return name_of(address);
}

peer_name local_end_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    return name_of(address);
}

acceptor::acceptor(event_loop& loop, unique_fd fd, handler& to)
    : loop_(loop),
      fd_(std::move(fd)),
      to_(to),
      retry_(
          loop, [](void* self) { static_cast<acceptor*>(self)->on_io(EPOLLIN); }, this) {
    if (!loop_.watch(fd_.get(), *this)) log::error("listener.unwatched");
}

acceptor::~acceptor() {
    loop_.forget(*this);
}

void acceptor::on_io(std::uint32_t) {
    if (!spare) spare = open_spare();
    for (int i = 0; i < accepts_per_turn; ++i) {
        unique_fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            to_.on_accepted(std::move(fd));
            continue;
        }
        if (errno == EAGAIN) return;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            complain(errno);
            if (turn_away()) continue;
            retry_.arm(std::chrono::milliseconds(100));
            return;
        }
        // Everything else (ECONNABORTED, a network error of the dead connection) concerns that connection only.
    }
    loop_.defer(*this);
}

// Somebody who is closed at once can try elsewhere; in the queue of the kernel he would wait for ever.
bool acceptor::turn_away() {
    if (!spare) return false;
    spare.reset();
    unique_fd refused(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    const bool was_there = static_cast<bool>(refused);
    refused.reset();
    spare = open_spare();
    return was_there;
}

void acceptor::complain(int error) {
    const auto now = loop_.now();
    if (complained_ != std::chrono::steady_clock::time_point{} && now - complained_ < std::chrono::seconds(1)) return;
    complained_ = now;
    log::error("listener.exhausted").with("reason", std::strerror(error));
}

void acceptor::run_deferred() {
    on_io(EPOLLIN);
}

}  // namespace instatunnel::net
