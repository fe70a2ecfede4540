#include "instatunnel/net/listener.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <vector>

#include "catch_outcome.hpp"
#include "loop_runner.hpp"

using namespace instatunnel;
using namespace instatunnel::net;
using test::loop_runner;

namespace {

unique_fd connect_to(std::uint16_t port) {
    unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) fd.reset();
    return fd;
}

struct collector final : acceptor::handler {
    std::vector<unique_fd> accepted;
    void on_accepted(unique_fd fd) override { accepted.push_back(std::move(fd)); }
};

}  // namespace

TEST_CASE("addresses to listen on are written in the usual ways", "[listener]") {
    struct row {
        const char* text;
        const char* host;
        int port;
    };
    for (const auto& r : {row{"127.0.0.1:8443", "127.0.0.1", 8443}, row{":443", "", 443}, row{"8080", "", 8080},
                          row{"[::1]:443", "::1", 443}, row{"*:80", "", 80}, row{"localhost:0", "localhost", 0}}) {
        INFO(r.text);
        const auto at = parse_listen_address(r.text);
        REQUIRE(at);
        CHECK(at->host == r.host);
        CHECK(at->port == r.port);
    }
    for (const char* text :
         {"", ":", "host", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:8a", "a:b:"}) {
        INFO(text);
        const auto at = parse_listen_address(text);
        REQUIRE_FALSE(at);
        CHECK(at.error().code == errc::usage);
        CHECK(at.error().what().find(text) != std::string_view::npos);
    }
}

TEST_CASE("a burst of connections is accepted whole", "[listener]") {
    loop_runner r;
    auto fd = open_listener({"127.0.0.1", 0});
    REQUIRE(fd);
    collector to;
    acceptor accepting(r.loop, std::move(*fd), to);
    REQUIRE(accepting.port() != 0);
    std::vector<unique_fd> callers;
    for (int i = 0; i < 200; ++i) {
        callers.push_back(connect_to(accepting.port()));
        REQUIRE(callers.back());
    }
    CHECK(r.run_until([&] { return to.accepted.size() == 200; }));
    const auto name = peer_of(to.accepted[0].get());
    CHECK(name.address == "127.0.0.1");
    CHECK(name.port == local_port(callers[0].get()));
    CHECK(name.is_loopback);
    CHECK(name.family == 4);
}

TEST_CASE("an empty host is every address, IPv4 callers keep their name", "[listener]") {
    loop_runner r;
    auto fd = open_listener({"", 0});
    REQUIRE(fd);
    collector to;
    acceptor accepting(r.loop, std::move(*fd), to);
    const auto caller = connect_to(accepting.port());
    REQUIRE(caller);
    REQUIRE(r.run_until([&] { return to.accepted.size() == 1; }));
    const auto name = peer_of(to.accepted[0].get());
    CHECK(name.address == "127.0.0.1");
    CHECK(name.family == 4);
    CHECK(name.bytes[0] == 127);
    CHECK(name.bytes[3] == 1);
}

TEST_CASE("an address in use, and one that is not ours, is said", "[listener]") {
    const auto first = open_listener({"127.0.0.1", 0});
    REQUIRE(first);
    const auto second = open_listener({"127.0.0.1", local_port(first->get())});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::address_in_use);
    const auto name = open_listener({"not-an-address", 0});
    REQUIRE_FALSE(name);
    CHECK(name.error().code == errc::usage);
    const auto foreign = open_listener({"203.0.113.7", 0});
    CHECK_FALSE(foreign);
}

TEST_CASE("a peer without an address has an empty name", "[listener]") {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    const unique_fd a(fds[0]), b(fds[1]);
    CHECK(peer_of(a.get()).address.empty());
    CHECK(peer_of(-1).family == 0);
}
