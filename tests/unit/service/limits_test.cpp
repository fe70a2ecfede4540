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
    CHECK(r.body["retry_after"] == 60);
    CHECK(r.field("Retry-After") == "60");
    CHECK(f.password_hashes == hashes);
    f.advance(std::chrono::seconds(58));
    CHECK(log_in(f, "ann@example.com", "correct horse").status == 429);
    f.advance(std::chrono::seconds(2));
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
        REQUIRE(f.call("POST", "/auth/register", "", {{"email", "ann@example.com"}, {"password", "correct horse"}})
                    .status == 409);
    CHECK(f.call("POST", "/auth/register", "", {{"email", "new@example.com"}, {"password", "correct horse"}}).status ==
          429);
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

TEST_CASE("every answer tells the tightest limit, what is left of it, and until when all of it is back") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    auto r = f.call("GET", "/v1/auth/user", key);
    CHECK(r.field("RateLimit-Limit") == "600");
    CHECK(r.field("RateLimit-Remaining") == "599");
    CHECK(r.field("RateLimit-Reset") == "1");
    CHECK(r.field("RateLimit-Policy") == "600;w=60;name=\"calls-per-key\"");
    for (int i = 0; i < 100; ++i)
        r = f.call("GET", "/v1/auth/user", key);
    CHECK(r.field("RateLimit-Remaining") == "499");
    CHECK(r.field("RateLimit-Reset") == "11");
    f.address = "198.51.100.9";
    for (const char* path : {"/health", "/v1/auth/user", "/nowhere"})
        r = f.call("GET", path);
    CHECK(r.field("RateLimit-Limit") == "120");
    CHECK(r.field("RateLimit-Remaining") == "117");
    CHECK(log_in(f, "ann@example.com", "wrong").field("RateLimit-Policy") == "10;w=60;name=\"sign-ins\"");
    CHECK(f.call("DELETE", "/v1/auth/keys/x", key).field("RateLimit-Limit") == "600");
}

TEST_CASE("a refused call tells the limit that refused it") {
    service_fixture f;
    for (int i = 0; i < 120; ++i)
        REQUIRE(f.call("GET", "/health").status == 200);
    const auto r = f.call("GET", "/health");
    CHECK(is_error(r, 429, "rate_limited", 4029));
    CHECK(r.body.size() == 5);
    CHECK(r.text.starts_with(
        R"({"error":"rate_limited","message":"API rate limit exceeded","retry_after":1,"code":4029,"request_id":")"));
    CHECK(r.field("Retry-After") == "1");
    CHECK(r.field("RateLimit-Limit") == "120");
    CHECK(r.field("RateLimit-Remaining") == "0");
    CHECK(r.field("RateLimit-Reset") == "60");
}

TEST_CASE("all keys of an account, and all callers of an address, are counted together") {
    service_fixture f;
    f.options.limits.calls_per_account.per_minute = 10;
    f.options.limits.calls_per_address.per_minute = 30;
    f.restart();
    const auto key = f.sign_up("ann@example.com");
    const auto second = f.key_with(key, {"tunnels:read"});
    for (int i = 0; i < 9; ++i)
        REQUIRE(f.call("GET", "/v1/auth/user", i % 2 == 0 ? key : second).status == 200);
    auto r = f.call("GET", "/v1/auth/user", second);
    CHECK(r.status == 429);
    CHECK(r.field("RateLimit-Policy") == "10;w=60;name=\"calls-per-account\"");
    CHECK(r.body["retry_after"] == 6);
    const auto other = f.sign_up("bob@example.com");
    CHECK(f.call("GET", "/v1/auth/user", other).status == 200);
    while (r.field("RateLimit-Policy").find("address") == std::string::npos)
        r = f.call("GET", "/health");
    while (r.status == 200)
        r = f.call("GET", "/health");
    CHECK(f.call("GET", "/v1/auth/user", other).status == 429);
    f.address = "198.51.100.9";
    CHECK(f.call("GET", "/v1/auth/user", other).status == 200);
}

TEST_CASE("what a limit refused is not counted by the others") {
    service_fixture f;
    f.options.limits.calls_per_key.per_minute = 5;
    f.options.limits.calls_per_account.per_minute = 20;
    f.restart();
    const auto key = f.sign_up("ann@example.com");
    const auto spare = f.key_with(key, {"tunnels:read"});
    for (int i = 0; i < 100; ++i)
        f.call("GET", "/v1/auth/user", key);
    for (int i = 0; i < 5; ++i)
        CHECK(f.call("GET", "/v1/auth/user", spare).status == 200);
}

TEST_CASE("tunnel clients are counted with the calls of their key and account") {
    service_fixture f;
    f.options.limits.calls_per_account.per_minute = 3;
    f.restart();
    const auto key = f.sign_up("ann@example.com");
    for (int i = 0; i < 3; ++i)
        REQUIRE(f.admit(key, "demo"));
    CHECK(f.admit(key, "demo").error().code == errc::rate_limited);
    CHECK(f.call("GET", "/v1/auth/user", key).status == 429);
}

TEST_CASE("tries to register are limited by address, on loopback only when that was asked for") {
    service_fixture f;
    f.options.limits.registrations.per_minute = 3;
    f.restart();
    for (int i = 0; i < 3; ++i)
        f.sign_up("user" + std::to_string(i) + "@example.com");
    const json ann = {{"email", "ann@example.com"}, {"password", "correct horse"}};
    const auto r = f.call("POST", "/v1/auth/register", "", ann);
    CHECK(is_error(r, 429, "rate_limited", 4029));
    CHECK(r.field("RateLimit-Policy") == "3;w=60;name=\"registrations\"");
    CHECK(f.call("GET", "/health").status == 200);
    f.address = "127.0.0.1";
    CHECK(f.call("POST", "/v1/auth/register", "", ann).status == 201);
    f.options.limits.registrations.on_loopback = true;
    f.restart();
    for (int i = 3; i < 6; ++i)
        f.sign_up("user" + std::to_string(i) + "@example.com");
    CHECK(f.call("POST", "/v1/auth/register", "", ann).status == 429);
}

TEST_CASE("callers of the same machine see limits that do not hold for them as whole") {
    service_fixture f;
    f.address = "127.0.0.1";
    const auto key = f.sign_up("ann@example.com");
    for (int i = 0; i < 700; ++i)
        REQUIRE(f.call("GET", "/v1/auth/user", key).field("RateLimit-Remaining") == "600");
    CHECK(f.call("GET", "/v1/auth/user", key).field("RateLimit-Reset") == "0");
}

TEST_CASE("the limits are told by /meta as they are set") {
    service_fixture f;
    f.options.limits.calls_per_key.per_minute = 77;
    f.restart();
    const auto limits = f.call("GET", "/v1/meta").body["limits"];
    CHECK(limits["requests_per_minute_per_key"] == 77);
    CHECK(limits["requests_per_minute_per_account"] == 1200);
    CHECK(limits["requests_per_minute_per_address"] == 2400);
    CHECK(limits["requests_per_minute_without_key"] == 120);
    CHECK(limits["wrong_sign_ins_per_minute"] == 10);
    CHECK(limits["registrations_per_minute"] == 20);
}
