#include "catch_outcome.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

reply log_in(service_fixture& f, const std::string& email, const std::string& password) {
    return f.call("POST", "/v1/auth/login", "", {{"email", email}, {"password", password}});
}

}  // namespace

TEST_CASE("the eleventh wrong password in a minute is not even looked at, also on the same machine") {
    service_fixture f;
    f.sign_up("ann@example.com");
    f.address = "127.0.0.1";
    for (int i = 0; i < 10; ++i)
        REQUIRE(log_in(f, "ann@example.com", "wrong").status == 401);
    const unsigned hashes = f.password_hashes;
    const auto r = log_in(f, "ann@example.com", "correct horse");
    CHECK(is_error(r, 429, "rate_limited", 4029));
    CHECK(r.body["message"] == "API rate limit exceeded");
    CHECK(r.body["retry_after"] == 6);
    CHECK(r.field("Retry-After") == "6");
    CHECK(f.password_hashes == hashes);
    f.advance(std::chrono::seconds(6));
    CHECK(log_in(f, "ann@example.com", "correct horse").status == 200);
}

TEST_CASE("guesses at one account are counted together wherever they come from") {
    service_fixture f;
    f.sign_up("ann@example.com");
    for (int i = 0; i < 10; ++i) {
        f.address = "198.51.100." + std::to_string(i);
        REQUIRE(log_in(f, "ANN@example.com", "wrong").status == 401);
    }
    f.address = "198.51.100.77";
    CHECK(log_in(f, "ann@example.com", "wrong").status == 429);
    CHECK(log_in(f, "bob@example.com", "wrong").status == 401);
}

TEST_CASE("guesses of one address are counted together whatever the account, an IPv6 network as one") {
    service_fixture f;
    for (int i = 0; i < 10; ++i) {
        f.address = "2001:db8::" + std::to_string(i + 1);
        REQUIRE(log_in(f, "user" + std::to_string(i) + "@example.com", "wrong").status == 401);
    }
    f.address = "2001:db8::ffff";
    CHECK(log_in(f, "other@example.com", "wrong").status == 429);
    f.address = "2001:db8:0:1::1";
    CHECK(log_in(f, "other@example.com", "wrong").status == 401);
}

TEST_CASE("right passwords are not counted as guesses") {
    service_fixture f;
    f.sign_up("ann@example.com");
    for (int i = 0; i < 25; ++i)
        REQUIRE(log_in(f, "ann@example.com", "correct horse").status == 200);
}

TEST_CASE("probing for known addresses by registering is limited as well") {
    service_fixture f;
    f.sign_up("ann@example.com");
    for (int i = 0; i < 10; ++i)
        REQUIRE(f.call("POST", "/auth/register", "", {{"email", "ann@example.com"}, {"password", "12345678"}}).status ==
                409);
    CHECK(f.call("POST", "/auth/register", "", {{"email", "new@example.com"}, {"password", "12345678"}}).status == 429);
}

TEST_CASE("a key may be used 600 times in a minute, on the same machine without limit") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    for (int i = 0; i < 600; ++i)
        REQUIRE(f.call("GET", "/v1/auth/user", key).status == 200);
    CHECK(is_error(f.call("GET", "/v1/auth/user", key), 429, "rate_limited", 4029));
    f.address = "127.0.0.1";
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
}

TEST_CASE("an address may call 120 times in a minute without a key that works, on the same machine without limit") {
    service_fixture f;
    for (int i = 0; i < 40; ++i) {
        REQUIRE(f.call("GET", "/health").status == 200);
        REQUIRE(f.call("GET", "/v1/auth/user", "it_0123456789abcdef").status == 401);
        REQUIRE(f.call("GET", "/nowhere").status == 404);
    }
    for (const char* path : {"/health", "/v1/auth/user", "/nowhere"}) {
        const auto r = f.call("GET", path);
        CHECK(r.status == 429);
        CHECK(r.body["retry_after"] == 1);
    }
    f.address = "::1";
    for (int i = 0; i < 200; ++i)
        REQUIRE(f.call("GET", "/health").status == 200);
}
