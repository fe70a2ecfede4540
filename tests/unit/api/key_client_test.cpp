#include "instatunnel/api/key_client.hpp"

#include <catch2/catch.hpp>
#include <deque>

using namespace instatunnel;

namespace {

const secret own_key("it_1234567890abcdef");
constexpr const char* row =
    R"({"id":"key_1","name":"CI","key":"it_***...xyz","created_at":"2024-01-15T10:30:00Z","last_used":null,)"
    R"("permissions":["tunnels:read"],"expires_at":"2030-01-31T00:00:00Z"})";
constexpr const char* made =
    R"({"id":"key_2","name":"CI","key":"it_abcdefghijklmnop","permissions":["tunnels:read"],)"
    R"("created_at":"2024-01-15T10:30:00Z","expires_at":null,"last_used":null,"replaces":"key_1",)"
    R"("old_expires_at":"2024-01-15T11:30:00Z"})";

/// One canned answer; remembers what was asked.
struct scripted_http final : api::http_client {
    int status = 200;
    std::string body;
    std::string asked, sent;

    outcome<api::http_reply> send(std::string_view method, const std::string& url,
                                  const std::vector<std::pair<std::string, std::string>>&, std::string_view with,
                                  std::chrono::milliseconds) override {
        asked = std::string(method) + " " + url;
        sent = std::string(with);
        api::http_reply reply;
        reply.status = status;
        reply.body = secret(body);
        return reply;
    }
};

struct key_calls {
    scripted_http http;
    api::key_client client{http, "https://api.t.example.com/", own_key};
};

}  // namespace

TEST_CASE("keys are listed with what is known of them") {
    key_calls f;
    f.http.body = std::string(R"({"keys":[)") + row + "]}";
    const auto keys = f.client.list().value();
    CHECK(f.http.asked == "GET https://api.t.example.com/v1/auth/keys");
    REQUIRE(keys.size() == 1);
    CHECK(keys[0].masked == "it_***...xyz");
    CHECK_FALSE(keys[0].last_used);
    CHECK(keys[0].expires_at == "2030-01-31T00:00:00Z");
    CHECK(keys[0].permissions == std::vector<std::string>{"tunnels:read"});
}

TEST_CASE("a new key comes whole, once") {
    key_calls f;
    f.http.status = 201;
    f.http.body = made;
    const auto key = f.client.create({"CI", {"tunnels:read"}, "2030-01-31T00:00:00Z"}).value();
    CHECK(f.http.asked == "POST https://api.t.example.com/v1/auth/keys");
    CHECK(f.http.sent == R"({"expires_at":"2030-01-31T00:00:00Z","name":"CI","permissions":["tunnels:read"]})");
    CHECK(key.key.reveal() == "it_abcdefghijklmnop");
    CHECK(key.info.masked == "it_***...nop");
}

TEST_CASE("a rotation says what it replaces, and until when that works") {
    key_calls f;
    f.http.status = 201;
    f.http.body = made;
    const auto key = f.client.rotate("key_1", std::chrono::hours(1)).value();
    CHECK(f.http.asked == "POST https://api.t.example.com/v1/auth/keys/key_1/rotate");
    CHECK(f.http.sent == R"({"grace_seconds":3600})");
    CHECK(key.replaces == "key_1");
    CHECK(key.old_expires_at == "2024-01-15T11:30:00Z");
}

TEST_CASE("an id names something in the path and never changes the path") {
    key_calls f;
    f.http.body = row;
    CHECK(f.client.find("../user").has_value());
    CHECK(f.http.asked == "GET https://api.t.example.com/v1/auth/keys/..%2Fuser");
    f.http.asked.clear();
    for (const char* id : {"", ".", ".."}) {
        CHECK(f.client.find(id).error().code == errc::not_found);
        CHECK(f.client.revoke(id).error().code == errc::not_found);
        CHECK(f.client.rename(id, "x").error().code == errc::not_found);
        CHECK(f.client.rotate(id, {}).error().code == errc::not_found);
    }
    CHECK(f.http.asked.empty());
}

TEST_CASE("refusals name the key and where to look") {
    key_calls f;
    f.http.status = 404;
    f.http.body = R"({"error":"not_found","message":"There is no such key in this account","code":4004})";
    const auto unknown = f.client.revoke("key_9").error();
    CHECK(unknown.what() == "There is no key \"key_9\" in this account");
    CHECK(unknown.what_next() == "See the account's keys: instatunnel auth keys ls");
    f.http.status = 409;
    f.http.body = R"({"error":"conflict","message":"This key was rotated before: key_2 took its place","code":4009})";
    const auto rotated = f.client.rotate("key_1", {}).error();
    CHECK(rotated.code == errc::already_exists);
    CHECK(rotated.what() == "This key was rotated before: key_2 took its place");
    CHECK(exit_code_for(rotated.code) == exit_code::name_unavailable);
}

TEST_CASE("an answer that cannot be right is not taken") {
    key_calls f;
    for (const char* body : {"", "[]", "{}", R"({"keys":5})", R"({"keys":[{}]})", R"({"keys":[5]})"}) {
        f.http.body = body;
        CHECK(f.client.list().error().code == errc::unexpected_reply);
    }
    for (const char* body :
         {R"({"id":"key_1","permissions":[],"key":5})", R"({"id":"key_1","permissions":[],"key":"it_***...xyz"})",
          R"({"id":"key_1","permissions":[],"key":"it_abcdefghijklmnop","expires_at":"soon"})"}) {
        f.http.body = body;
        CHECK(f.client.create({"x", {"*"}, {}}).error().code == errc::unexpected_reply);
    }
}
