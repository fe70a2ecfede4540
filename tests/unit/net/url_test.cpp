#include <catch2/catch.hpp>

#include "instatunnel/net/dial.hpp"

using namespace instatunnel;
using net::parse_url;

TEST_CASE("an https URL splits into host, port and path", "[url]") {
    const auto url = parse_url("https://API.t.Example.com/base/v1/");
    REQUIRE(url.has_value());
    CHECK(url->is_https);
    CHECK(url->host == "api.t.example.com");
    CHECK(url->port == 443);
    CHECK(url->path == "/base/v1");
    CHECK(url->origin() == "https://api.t.example.com");
}

TEST_CASE("the default port depends on the scheme and is left out of the origin", "[url]") {
    CHECK(parse_url("HTTP://localhost")->port == 80);
    CHECK(parse_url("http://localhost:80/")->origin() == "http://localhost");
    CHECK(parse_url("https://localhost:8443")->origin() == "https://localhost:8443");
    CHECK(parse_url("http://localhost:443")->origin() == "http://localhost:443");
    CHECK(parse_url("https://localhost///")->path.empty());
}

TEST_CASE("an IPv6 host stands in brackets in the URL only", "[url]") {
    const auto url = parse_url("https://[::1]:8443/x");
    REQUIRE(url.has_value());
    CHECK(url->host == "::1");
    CHECK(url->port == 8443);
    CHECK(url->origin() == "https://[::1]:8443");
}

TEST_CASE("what is not a plain http or https URL is refused", "[url]") {
    const auto text =
        GENERATE(as<std::string>{}, "", "demo", "ftp://a", "https://", "https:///x", "https://a:0", "https://a:65536",
                 "https://a:8x", "https://a:", "https://a?q=1", "https://a#f", "https://a b", "https://a/\nb",
                 "https://[::1", "https://[]", "https://[1]", "https://a..b", "https://-a", "https://a_b!",
                 "https://a\\b", "https://[::1]8443", "https:/a", "//a");
    CAPTURE(text);
    const auto url = parse_url(text);
    REQUIRE(url.has_error());
    CHECK(url.error().code == errc::malformed_url);
    CHECK(!url.error().detail.empty());
}

TEST_CASE("a URL of more than 2048 characters is refused", "[url]") {
    CHECK(parse_url("https://a/" + std::string(2038, 'x')).has_value());
    CHECK(parse_url("https://a/" + std::string(2039, 'x')).has_error());
}

TEST_CASE("a password in a URL is refused and not repeated", "[url]") {
    const auto url = parse_url("https://me:hunter2@example.com/");
    REQUIRE(url.has_error());
    CHECK(url.error().detail.find("hunter2") == std::string::npos);
    CHECK(url.error().detail.find("a user name or password has no place in it") != std::string::npos);
}
