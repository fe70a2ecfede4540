#include "instatunnel/client/target.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "instatunnel/base/unique_fd.hpp"

using instatunnel::errc;
using instatunnel::client::parse_target;

TEST_CASE("targets that are accepted") {
    struct row {
        const char* text;
        const char* host;
        std::uint16_t port;
        bool tls;
        const char* display;
    };
    const row rows[] = {
        {"3000", "localhost", 3000, false, "localhost:3000"},
        {" 1 ", "localhost", 1, false, "localhost:1"},
        {"65535", "localhost", 65535, false, "localhost:65535"},
        {"localhost:3000", "localhost", 3000, false, "localhost:3000"},
        {"APP.test:80", "app.test", 80, false, "app.test:80"},
        {"my_app:80", "my_app", 80, false, "my_app:80"},
        {"192.168.0.5:8080", "192.168.0.5", 8080, false, "192.168.0.5:8080"},
        {"[::1]:3000", "::1", 3000, false, "[::1]:3000"},
        {"http://localhost", "localhost", 80, false, "localhost:80"},
        {"http://localhost:3000/", "localhost", 3000, false, "localhost:3000"},
        {"HTTP://[FE80::1]:81", "fe80::1", 81, false, "[fe80::1]:81"},
        {"https://10.0.0.5:8443", "10.0.0.5", 8443, true, "https://10.0.0.5:8443"},
        {"https://app.test", "app.test", 443, true, "https://app.test"},
    };
    for (const auto& [text, host, port, tls, display] : rows) {
        INFO(text);
        const auto t = parse_target(text);
        REQUIRE(t.has_value());
        CHECK(t->host == host);
        CHECK(t->port == port);
        CHECK(t->is_tls == tls);
        CHECK_FALSE(t->is_unix);
        CHECK(t->display == display);
    }
}

TEST_CASE("a unix socket is named by its absolute path") {
    const auto t = parse_target("unix:/run/app.sock");
    REQUIRE(t.has_value());
    CHECK(t->is_unix);
    CHECK(t->unix_path == "/run/app.sock");
    CHECK(t->display == "unix:/run/app.sock");
}

TEST_CASE("targets that are refused with the reason") {
    struct row {
        std::string text;
        const char* reason;
    };
    const row rows[] = {
        {"", "That is not a target"},
        {"0", "a port is a number from 1 to 65535"},
        {"65536", "a port is a number from 1 to 65535"},
        {"99999999999999999999", "a port is a number from 1 to 65535"},
        {"localhost:", "a port is a number from 1 to 65535"},
        {"localhost:http", "a port is a number from 1 to 65535"},
        {"localhost", "the port is missing"},
        {":3000", "the host is not a name or address"},
        {"a b:3000", "the host is not a name or address"},
        {"-x:3000", "the host is not a name or address"},
        {"::1:3000", "an IPv6 address stands in brackets"},
        {"[::1", "the bracket of the IPv6 address is not closed"},
        {"[localhost]:80", "the brackets do not hold an IPv6 address"},
        {"[::1]3000", "after the bracket comes a colon and a port"},
        {"[::1]", "the port is missing"},
        {"ftp://x", "only http://, https:// and unix: are known"},
        {"http://x/path", "a target has no path"},
        {"http://x?q", "a target has no path"},
        {"http://u:p@x", "a target holds no user name or password"},
        {"http://", "the host is not a name or address"},
        {"unix:app.sock", "the path of a unix socket starts with /"},
        {"unix:/" + std::string(107, 'x'), "at most 107 bytes"},
    };
    for (const auto& [text, reason] : rows) {
        INFO(text);
        const auto t = parse_target(text);
        REQUIRE_FALSE(t.has_value());
        CHECK(t.error().code == errc::malformed_target);
        CHECK(std::string(t.error().what()).find(reason) != std::string::npos);
    }
}

TEST_CASE("a refused target that may hold a secret is not repeated") {
    for (const char* text : {"it_1234567890abcdef", "http://user:1234567890@x"})
        CHECK(parse_target(text).error().detail.find("12345") == std::string::npos);
}

TEST_CASE("a port accepts while somebody listens on it") {
    const instatunnel::unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const auto port = ntohs(address.sin_port);
    CHECK_FALSE(instatunnel::client::port_accepts(port));
    REQUIRE(::listen(listener.get(), 1) == 0);
    CHECK(instatunnel::client::port_accepts(port));
}
