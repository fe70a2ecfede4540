#include <fcntl.h>
#include <netinet/tcp.h>

#include <catch2/catch.hpp>
#include <vector>

#include "instatunnel/net/dial.hpp"
#include "loopback_server.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;
using net::dial;
using test::loopback_listener;

namespace {

bool has_ipv6_loopback() {
    try {
        loopback_listener probe(AF_INET6);
        return true;
    } catch (const std::runtime_error&) {
        return false;
    }
}

std::uint16_t closed_port() {
    loopback_listener listener;
    const auto port = listener.port();
    listener.close();
    return port;
}

/// A port that neither accepts nor refuses: its queue of connections is full, so the kernel ignores every SYN.
class full_listener {
public:
    full_listener() : listener_(AF_INET, 0) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(listener_.port());
        for (int i = 0; i < 4; ++i) {
            waiting_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
            ::connect(waiting_.back().get(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
        }
    }
    std::uint16_t port() const { return listener_.port(); }

private:
    loopback_listener listener_;
    std::vector<unique_fd> waiting_;
};

}  // namespace

TEST_CASE("a dialled socket is non-blocking, without delay and not inherited", "[dial]") {
    const loopback_listener listener;
    const auto fd = dial({"127.0.0.1", listener.port()}, 5s);
    REQUIRE(fd.has_value());
    CHECK((::fcntl(fd->get(), F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC) != 0);
    int no_delay = 0;
    socklen_t size = sizeof no_delay;
    ::getsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
    CHECK(no_delay != 0);
}

TEST_CASE("a name below localhost reaches a listener on either family", "[dial]") {
    const loopback_listener v4;
    CHECK(dial({"demo.localhost", v4.port()}, 5s).has_value());
    if (!has_ipv6_loopback()) return;
    const loopback_listener v6(AF_INET6);
    CHECK(dial({"demo.localhost", v6.port()}, 5s).has_value());
    CHECK(dial({"::1", v6.port()}, 5s).has_value());
}

TEST_CASE("a port that both families refuse is reported at once with its reason", "[dial]") {
    const auto port = closed_port();
    const auto began = std::chrono::steady_clock::now();
    const auto fd = dial({"localhost", port}, 30s);
    CHECK(std::chrono::steady_clock::now() - began < 10s);
    REQUIRE(fd.has_error());
    CHECK(fd.error().code == errc::server_unreachable);
    CHECK(fd.error().detail == "Cannot reach localhost:" + std::to_string(port) + ": Connection refused");
}

TEST_CASE("an IPv6 address stands in brackets in the message", "[dial]") {
    if (!has_ipv6_loopback()) return;
    const auto port = closed_port();
    const auto fd = dial({"::1", port}, 5s);
    REQUIRE(fd.has_error());
    CHECK(fd.error().detail == "Cannot reach [::1]:" + std::to_string(port) + ": Connection refused");
}

TEST_CASE("a peer that does not answer ends at the limit", "[dial]") {
    const full_listener full;
    const auto began = std::chrono::steady_clock::now();
    const auto fd = dial({"127.0.0.1", full.port()}, 300ms);
    const auto took = std::chrono::steady_clock::now() - began;
    REQUIRE(fd.has_error());
    CHECK(fd.error().code == errc::connect_timeout);
    CHECK(fd.error().detail ==
          "127.0.0.1:" + std::to_string(full.port()) + " did not accept the connection within 300ms");
    CHECK(took >= 300ms);
    CHECK(took < 10s);
}

TEST_CASE("a family that hangs does not hold up the other one", "[dial]") {
    if (!has_ipv6_loopback()) return;
    const full_listener full;
    unique_fd v6(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(v6.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_addr = in6addr_loopback;
    at.sin6_port = htons(full.port());
    if (::bind(v6.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return;  // the port is taken on IPv6
    REQUIRE(::listen(v6.get(), 4) == 0);
    const auto fd = dial({"localhost", full.port()}, 20s);
    REQUIRE(fd.has_value());
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    ::getpeername(fd->get(), reinterpret_cast<sockaddr*>(&peer), &size);
    CHECK(peer.ss_family == AF_INET6);
}

TEST_CASE("one address is dialled, and its refusal is the system's word", "[dial]") {
    const loopback_listener listener;
    const auto there = net::resolve("127.0.0.1", listener.port(), std::chrono::steady_clock::now() + 5s);
    REQUIRE(there.has_value());
    CHECK(net::address_text(there->front()) == "127.0.0.1");
    const auto fd = net::dial_address(there->front(), 5s);
    REQUIRE(fd.has_value());
    CHECK((::fcntl(fd->get(), F_GETFL) & O_NONBLOCK) != 0);
    const auto nobody = net::resolve("127.0.0.1", closed_port(), std::chrono::steady_clock::now() + 5s);
    CHECK(net::dial_address(nobody->front(), 5s).error().value() == ECONNREFUSED);
    const full_listener full;
    const auto silent = net::resolve("127.0.0.1", full.port(), std::chrono::steady_clock::now() + 5s);
    CHECK(net::dial_address(silent->front(), 100ms).error() == errc::connect_timeout);
}
