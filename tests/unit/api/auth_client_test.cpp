#include "instatunnel/api/auth_client.hpp"

#include <catch2/catch.hpp>

#include "listed_answers.hpp"

using namespace instatunnel;
using scripted_http = test::listed_answers;

namespace {

const std::string key_text = "it_1234567890abcdef";

struct fixture {
    scripted_http http;
    api::auth_client client{http, "https://api.t.example.com/"};
    secret key{key_text};

    failure account_error(int status, const std::string& body,
                          std::vector<std::pair<std::string, std::string>> fields = {}) {
        http.answer(status, body, std::move(fields));
        const auto info = client.account(key);
        REQUIRE(info.has_error());
        return info.error();
    }
};

}  // namespace

TEST_CASE("login sends email and password and gives the key", "[auth]") {
    fixture f;
    f.http.answer(
        200,
        R"({"api_key":"it_1234567890abcdef","user":{"id":"user_1","email":"me@example.com","name":""},"key":{"id":"key_1"}})");
    const auto who = f.client.login("me@example.com", secret("p\"w\\\n\x01ü"));
    REQUIRE(who.has_value());
    CHECK(who->api_key.reveal() == key_text);
    CHECK(who->email == "me@example.com");
    CHECK(who->key_id == "key_1");
    REQUIRE(f.http.requests.size() == 1);
    CHECK(f.http.requests[0].method == "POST");
    CHECK(f.http.requests[0].url == "https://api.t.example.com/v1/auth/login");
    CHECK(f.http.requests[0].authorization.empty());
    CHECK(f.http.requests[0].body == R"({"email":"me@example.com","password":"p\"w\\\u000a\u0001ü"})");
}

TEST_CASE("a wrong password and an unknown key are told apart by what was asked", "[auth]") {
    fixture f;
    const std::string body = R"({"error":"unauthorized","message":"Wrong email or password","code":4001})";
    f.http.answer(401, body);
    CHECK(f.client.login("a@b.c", secret("x")).error().code == errc::wrong_password);
    CHECK(f.account_error(401, body).code == errc::invalid_key);
    CHECK(f.account_error(401, R"({"error":"unauthorized","reason":"expired_key"})").code == errc::expired_key);
    CHECK(f.account_error(401, R"({"error":"unauthorized","reason":"revoked_key"})").code == errc::revoked_key);
}

TEST_CASE("registering a known email says so", "[auth]") {
    fixture f;
    f.http.answer(409, R"({"error":"conflict","message":"exists","code":4009})");
    const auto who = f.client.register_account("a@b.c", secret("x"));
    REQUIRE(who.has_error());
    CHECK(who.error().code == errc::already_exists);
    CHECK(who.error().what() == "There is an account with this email already");
    CHECK(f.http.requests[0].url == "https://api.t.example.com/v1/auth/register");

    f.http.answer(201, R"({"api_key":"it_1234567890abcdef","email":"a@b.c","plan":"free"})");
    CHECK(f.client.register_account("a@b.c", secret("x"))->email == "a@b.c");
}

TEST_CASE("a server without sign-up says so in its own words", "[auth]") {
    fixture f;
    f.http.answer(403, R"({"error":"forbidden","message":"Sign-up is closed on this server","code":4003})");
    const auto who = f.client.register_account("a@b.c", secret("x"));
    REQUIRE(who.has_error());
    CHECK(who.error().code == errc::forbidden);
    CHECK(who.error().what() == "Sign-up is closed on this server");
    CHECK(who.error().what_next() == "Ask the server's owner for an account");
}

TEST_CASE("an answer without a usable key is no login", "[auth]") {
    fixture f;
    for (const std::string body : {"{}", "[]", "7", "", "not json", R"({"api_key":7})", R"({"api_key":"it_short"})",
                                   R"({"api_key":"it_1234567890abcdef\u001b[31m"})"}) {
        CAPTURE(body);
        f.http.answer(200, body);
        const auto who = f.client.login("a@b.c", secret("x"));
        REQUIRE(who.has_error());
        CHECK(who.error().code == errc::unexpected_reply);
        CHECK(who.error().what() == "https://api.t.example.com sent an answer that this program does not understand");
    }
}

TEST_CASE("the account comes with usage and the key in use", "[auth]") {
    fixture f;
    f.http.answer(
        200,
        R"({"id":"user_456","email":"john@example.com","name":"John","plan":"pro","created_at":"2024-01-15T10:30:00Z",
        "usage":{"tunnels_created":45,"data_transferred":"2.4 GB","requests_served":12500},
        "permissions":["tunnels:*","analytics:read"],"key":{"id":"key_1","name":"laptop","expires_at":"2030-01-01T00:00:00Z"}})");
    const auto info = f.client.account(f.key);
    REQUIRE(info.has_value());
    CHECK(info->id == "user_456");
    CHECK(info->name == "John");
    CHECK(info->plan == "pro");
    CHECK(info->tunnels_created == 45);
    CHECK(info->data_transferred == "2.4 GB");
    CHECK(info->requests_served == 12500);
    CHECK(info->tunnels_online == 0);
    CHECK_FALSE(info->limits);  // a server that does not say
    CHECK(info->permissions == std::vector<std::string>{"tunnels:*", "analytics:read"});
    CHECK(info->key_id == "key_1");
    CHECK(info->key_name == "laptop");
    CHECK(info->key_expires_at == "2030-01-01T00:00:00Z");
    CHECK(f.http.requests[0].url == "https://api.t.example.com/v1/auth/user");
    CHECK(f.http.requests[0].authorization == "Bearer " + key_text);

    f.http.answer(
        200, R"({"id":"u","email":"e","usage":{"bytes_in":1,"bytes_out":2,"bytes_transferred":3,"tunnels_online":4},
        "limits":{"tunnels":3,"names":null,"mcp":false,"custom_domains":true,"requests_per_minute":120}})");
    const auto limited = f.client.account(f.key);
    REQUIRE(limited.has_value());
    CHECK(limited->bytes_transferred == 3);
    CHECK(limited->tunnels_online == 4);
    REQUIRE(limited->limits);
    CHECK(limited->limits->tunnels == 3);
    CHECK_FALSE(limited->limits->names);
    CHECK(limited->limits->requests_per_minute == 120);
    CHECK_FALSE(limited->limits->mcp);
    CHECK(limited->limits->custom_domains);

    f.http.answer(200, R"({"id":"u","email":"e","key":{"expires_at":null}})");
    CHECK_FALSE(f.client.account(f.key)->key_expires_at);
    f.http.answer(200, R"({"id":"u","email":"e","key":{"expires_at":"soon"}})");
    CHECK(f.client.account(f.key).error().code == errc::unexpected_reply);
}

TEST_CASE("nothing that the server sends can steer a terminal", "[auth]") {
    fixture f;
    f.http.answer(200,
                  R"({"id":"u","email":"e\u001b[2J\n","name":"J\u00fcrgen\u009b5m\u007f","permissions":["a\u0007"]})");
    const auto info = f.client.account(f.key);
    REQUIRE(info.has_value());
    CHECK(info->email == "e?[2J?");
    CHECK(info->name == "Jürgen?5m?");
    CHECK(info->permissions == std::vector<std::string>{"a?"});
}

TEST_CASE("a missing permission is named", "[auth]") {
    fixture f;
    const auto error = f.account_error(
        403,
        R"({"error":"forbidden","message":"Insufficient permissions for this operation","required_scope":"tunnels:write","code":4003})");
    CHECK(error.code == errc::forbidden);
    CHECK(error.what() == "Insufficient permissions for this operation: it needs the permission tunnels:write");
    CHECK(f.account_error(403, "<html>").what() == "Insufficient permissions for this operation");
}

TEST_CASE("a limit of the plan says so, and whom to ask", "[auth]") {
    fixture f;
    const std::string body =
        R"({"error":"forbidden","message":"The plan \"free\" allows 1 tunnel at once, and 1 is in use","code":4003,"plan":"free","limit":"tunnels")";
    const auto error = f.account_error(403, body + "}");
    CHECK(error.code == errc::plan_limit);
    CHECK(error.what() == "The plan \"free\" allows 1 tunnel at once, and 1 is in use");
    CHECK(error.what_next() == "See what the plan allows: instatunnel whoami");
    CHECK(exit_code_for(error.code) == exit_code::not_permitted);
    const auto with_support = f.account_error(403, body + R"(,"support":"Jürgen, help@example.com"})");
    CHECK(with_support.what_next() ==
          "See what the plan allows: instatunnel whoami, or ask for more: Jürgen, help@example.com");
    CHECK(f.account_error(403, body + R"(,"support":"\u001b[2J"})").what_next() == error.what_next());
    CHECK(f.account_error(429, R"({"retry_after":60,"support":"help@example.com"})").what_next() ==
          "Wait 60 seconds, then try again; if you need more, ask: help@example.com");
    CHECK(f.account_error(403, R"({"message":"no","support":"help@example.com"})").what_next() ==
          "Ask the server's owner: help@example.com");
}

TEST_CASE("names are listed and given back", "[auth]") {
    fixture f;
    f.http.answer(
        200,
        R"({"names":[{"name":"shop","url":"https://shop.t","kind":"requested","blocked":true,"tunnel_id":null,"last_used_at":"2024-01-15T10:30:00Z"}]})");
    const auto names = f.client.names(f.key);
    REQUIRE(names.has_value());
    REQUIRE(names->size() == 1);
    CHECK(names->front().name == "shop");
    CHECK(names->front().blocked);
    CHECK(names->front().tunnel_id.empty());
    f.http.answer(204, "");
    CHECK(f.client.release_name(f.key, "shop").has_value());
    CHECK(f.http.requests.back().url == "https://api.t.example.com/v1/names/shop");
    f.http.answer(404, R"({"message":"x"})");
    CHECK(f.client.release_name(f.key, "../keys").error().what() == "This account does not hold the name \"../keys\"");
    CHECK(f.http.requests.back().url == "https://api.t.example.com/v1/names/..%2Fkeys");
    CHECK(f.client.release_name(f.key, "..").error().code == errc::not_found);
}

TEST_CASE("a rate limit says how long to wait", "[auth]") {
    fixture f;
    const auto error = f.account_error(
        429, R"({"error":"rate_limited","message":"API rate limit exceeded","retry_after":60,"code":4029})");
    CHECK(error.code == errc::rate_limited);
    CHECK(error.what() == "API rate limit exceeded");
    CHECK(error.what_next() == "Wait 60 seconds, then try again");
    CHECK(f.account_error(429, "", {{"Retry-After", "1"}}).what_next() == "Wait 1 second, then try again");
    CHECK(f.account_error(429, "", {{"Retry-After", "soon"}}).what_next() == "Wait a minute, then try again");
    CHECK(f.account_error(429, R"({"retry_after":99999999999})").what_next() == "Wait 86400 seconds, then try again");
    CHECK(f.account_error(429, R"({"retry_after":-5})").what_next() == "Wait a minute, then try again");
}

TEST_CASE("each status has its failure and exit code", "[auth]") {
    fixture f;
    const auto code = [&](int status) { return f.account_error(status, "{}").code; };
    CHECK(code(400) == errc::bad_request);
    CHECK(code(422) == errc::bad_request);
    CHECK(code(404) == errc::not_found);
    CHECK(code(409) == errc::already_exists);
    CHECK(code(413) == errc::too_large);
    CHECK(code(502) == errc::server_unreachable);
    CHECK(code(503) == errc::busy);
    CHECK(code(504) == errc::server_unreachable);
    CHECK(code(500) == errc::unexpected_reply);
    CHECK(code(302) == errc::unexpected_reply);
    CHECK(code(418) == errc::unexpected_reply);
}

TEST_CASE("the server's words are shown only if printable and short", "[auth]") {
    fixture f;
    CHECK(f.account_error(422, R"({"message":"The name is too long","field":"name"})").what() ==
          "The name is too long");
    CHECK(f.account_error(422, R"({"message":"Too long","field":"name"})").what() == "Too long (name)");
    CHECK(f.account_error(400, R"({"message":"a\u001b[2Jb"})").what() == "The request is not valid");
    CHECK(f.account_error(400, R"({"message":")" + std::string(201, 'x') + "\"}").what() == "The request is not valid");
    CHECK(f.account_error(400, R"({"message":")" + std::string(200, 'x') + "\"}").what() == std::string(200, 'x'));
    CHECK(f.account_error(500, R"({"message":"database on fire"})").what() ==
          "https://api.t.example.com answered with status 500: database on fire");
    CHECK(f.account_error(500, "<html>").what() == "https://api.t.example.com answered with status 500");
}

TEST_CASE("tunnels are listed", "[auth]") {
    fixture f;
    f.http.answer(200, R"({"tunnels":[{"id":"tun_1","name":"demo","url":"https://demo.t.example.com",
        "target":"localhost:3000","status":"online","created_at":"2024-01-15T10:30:00Z","requests":7}]})");
    const auto found = f.client.tunnels(f.key);
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 1);
    const auto& one = found->front();
    CHECK(one.id == "tun_1");
    CHECK(one.name == "demo");
    CHECK(one.url == "https://demo.t.example.com");
    CHECK(one.target == "localhost:3000");
    CHECK(one.status == "online");
    CHECK(one.created_at == "2024-01-15T10:30:00Z");
    CHECK(one.requests == 7);
    CHECK(f.http.requests[0].url == "https://api.t.example.com/v1/tunnels");

    for (const std::string body : {"{}", "[]", R"({"tunnels":{}})"}) {
        f.http.answer(200, body);
        CHECK(f.client.tunnels(f.key).error().code == errc::unexpected_reply);
    }
}

TEST_CASE("a tunnel is closed by id, name or host", "[auth]") {
    fixture f;
    for (const std::string id : {"tun_1", "demo", "demo.t.example.com"}) {
        f.http.answer(204, "");
        CHECK(f.client.close_tunnel(f.key, id).has_value());
        CHECK(f.http.requests.back().method == "DELETE");
        CHECK(f.http.requests.back().url == "https://api.t.example.com/v1/tunnels/" + id);
    }
    f.http.answer(404, R"({"error":"not_found","message":"There is no such tunnel in this account","code":4004})");
    const auto unknown = f.client.close_tunnel(f.key, "a/../b c");
    CHECK(f.http.requests.back().url == "https://api.t.example.com/v1/tunnels/a%2F..%2Fb%20c");
    REQUIRE(unknown.has_error());
    CHECK(unknown.error().code == errc::not_found);
    CHECK(unknown.error().what() == "There is no tunnel \"a/../b c\" in this account");
}

TEST_CASE("a word that would change the path names no tunnel", "[auth]") {
    fixture f;
    for (const std::string id : {"", ".", ".."})
        CHECK(f.client.close_tunnel(f.key, id).error().code == errc::not_found);
    CHECK(f.http.requests.empty());
}

TEST_CASE("logout asks with the key and takes an empty answer", "[auth]") {
    fixture f;
    f.http.answer(204, "");
    CHECK(f.client.logout(f.key).has_value());
    CHECK(f.http.requests[0].url == "https://api.t.example.com/v1/auth/logout");
    CHECK(f.http.requests[0].authorization == "Bearer " + key_text);
}
