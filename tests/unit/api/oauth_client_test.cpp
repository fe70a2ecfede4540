#include "instatunnel/api/oauth_client.hpp"

#include <catch2/catch.hpp>

#include "instatunnel/base/form.hpp"
#include "listed_answers.hpp"

using namespace instatunnel;
using test::listed_answers;

namespace {

const std::string server = "https://api.t.example.com";
const std::string description =
    R"({"issuer":"https://api.t.example.com","authorization_endpoint":"https://api.t.example.com/oauth/authorize",)"
    R"("token_endpoint":"https://api.t.example.com/oauth/token",)"
    R"("device_authorization_endpoint":"https://api.t.example.com/oauth/device_authorization",)"
    R"("revocation_endpoint":"https://api.t.example.com/oauth/revoke"})";
const std::string tokens =
    R"({"access_token":"ita_abc","token_type":"Bearer","expires_in":3600,"refresh_token":"itr_def","scope":"*"})";

struct oauth_calls {
    listed_answers http;
    api::oauth_client client{http, server + "/"};
    api::oauth_server at{server, server + "/oauth/authorize", server + "/oauth/token",
                         server + "/oauth/device_authorization", server + "/oauth/revoke"};

    outcome<api::device_poll> poll(int status, const std::string& body) {
        http.answer(status, body);
        return client.poll_device(at, secret("dev code"));
    }
    form sent() const { return form::parse(http.requests.back().body).value(); }
};

}  // namespace

TEST_CASE("the server's description names where to sign in", "[oauth]") {
    oauth_calls f;
    f.http.answer(200, description);
    const auto found = f.client.discover();
    REQUIRE(found.has_value());
    CHECK(f.http.requests[0].method == "GET");
    CHECK(f.http.requests[0].url == "https://api.t.example.com/.well-known/oauth-authorization-server");
    CHECK(found->issuer == server);
    CHECK(found->authorization_endpoint == server + "/oauth/authorize");
    CHECK(found->token_endpoint == server + "/oauth/token");
    CHECK(found->device_authorization_endpoint == server + "/oauth/device_authorization");
    CHECK(found->revocation_endpoint == server + "/oauth/revoke");
}

TEST_CASE("a server without such a sign-in says what to use instead", "[oauth]") {
    oauth_calls f;
    f.http.answer(404, R"({"error":"not_found","message":"There is nothing here","code":4004})");
    const auto found = f.client.discover();
    CHECK(found.error().code == errc::not_found);
    CHECK(found.error().what() == server + " has no sign-in with a browser or a device code");
    CHECK(found.error().what_next() == "Sign in with a password: instatunnel login -e EMAIL");
    f.at.device_authorization_endpoint.clear();
    CHECK(f.client.begin_device(f.at).error().what() == server + " has no sign-in with a device code");
}

TEST_CASE("a description that sends people elsewhere is refused", "[oauth]") {
    const std::pair<std::string, std::string> forgeries[] = {
        {R"("issuer":"https://api.t.example.com")", R"("issuer":"https://api.t.example.com/")"},
        {R"("issuer":"https://api.t.example.com")", R"("issuer":"https://evil.example.com")"},
        {R"("issuer":"https://api.t.example.com")", R"("issuer":7)"},
        {server + "/oauth/token", "https://evil.example.com/oauth/token"},
        {server + "/oauth/token", "http://api.t.example.com/oauth/token"},
        {server + "/oauth/token", "https://api.t.example.com.evil.com/oauth/token"},
        {server + "/oauth/token", "https://api.t.example.com@evil.com/oauth/token"},
        {server + "/oauth/token", "https://api.t.example.com:444/oauth/token"},
        {server + "/oauth/authorize", server + "\\\\@evil.com/oauth/authorize"},
        {server + "/oauth/authorize", server + "/oauth/authorize?x=1"},
        {server + "/oauth/authorize", server + "/oauth/ authorize"},
        {server + "/oauth/revoke", "javascript:alert(1)"},
        {"token_endpoint", "tokens_endpoint"},
    };
    for (const auto& [from, to] : forgeries) {
        CAPTURE(to);
        oauth_calls f;
        auto forged = description;
        forged.replace(forged.find(from), from.size(), to);
        f.http.answer(200, forged);
        const auto found = f.client.discover();
        REQUIRE(found.has_error());
        CHECK(found.error().code == errc::unexpected_reply);
    }
    for (const char* nonsense : {"", "[]", "7", "not json", "{}"}) {
        oauth_calls f;
        f.http.answer(200, nonsense);
        CHECK(f.client.discover().error().code == errc::unexpected_reply);
    }
}

TEST_CASE("the address for the browser holds the whole request", "[oauth]") {
    const oauth_calls f;
    const auto url = api::authorization_url(f.at, "http://127.0.0.1:4711/cb", "st", "challenge");
    CHECK(url ==
          "https://api.t.example.com/oauth/"
          "authorize?response_type=code&client_id=instatunnel-cli&redirect_uri=http%3A%2F%2F"
          "127.0.0.1%3A4711%2Fcb&scope=%2A&state=st&code_challenge=challenge&code_challenge_method=S256");
}

TEST_CASE("a code is exchanged as a form, with the verifier", "[oauth]") {
    oauth_calls f;
    f.http.answer(200, tokens);
    const auto got = f.client.exchange_code(f.at, secret("co+d e"), "http://127.0.0.1:4711/cb", secret("verifier"));
    REQUIRE(got.has_value());
    CHECK(got->access_token.reveal() == "ita_abc");
    CHECK(got->refresh_token.reveal() == "itr_def");
    CHECK(got->scope == "*");
    CHECK(f.http.requests[0].url == server + "/oauth/token");
    CHECK(f.http.requests[0].content_type == "application/x-www-form-urlencoded");
    CHECK(f.sent().value("grant_type") == "authorization_code");
    CHECK(f.sent().value("code") == "co+d e");
    CHECK(f.sent().value("redirect_uri") == "http://127.0.0.1:4711/cb");
    CHECK(f.sent().value("code_verifier") == "verifier");
    CHECK(f.sent().value("client_id") == "instatunnel-cli");
}

TEST_CASE("a refused code says why, in words that cannot steer a terminal", "[oauth]") {
    oauth_calls f;
    const auto exchange = [&](int status, const std::string& body) {
        f.http.answer(status, body);
        return f.client.exchange_code(f.at, secret("code"), "http://127.0.0.1:1/cb", secret("v")).error();
    };
    CHECK(exchange(400, R"({"error":"invalid_grant","error_description":"x"})").code == errc::sign_in_expired);
    const auto refused = exchange(401, R"({"error":"invalid_client","error_description":"Unknown \u001b[31mclient."})");
    CHECK(refused.code == errc::unexpected_reply);
    CHECK(refused.what() == server + " refused the sign-in: Unknown ?[31mclient");
    CHECK(exchange(400, R"({"error":"invalid_request"})").what() == server + " refused the sign-in: invalid_request");
    CHECK(exchange(429, R"({"error":"rate_limited","retry_after":5})").code == errc::rate_limited);
    CHECK(exchange(503, R"({"error":"temporarily_unavailable"})").code == errc::busy);
    CHECK(exchange(400, "<html>").code == errc::bad_request);
    CHECK(exchange(200, R"({"access_token":"ita_a","token_type":"mac"})").code == errc::unexpected_reply);
    CHECK(exchange(200, R"({"access_token":"a\r\nb","token_type":"Bearer"})").code == errc::unexpected_reply);
    CHECK(exchange(200, "").code == errc::unexpected_reply);
}

TEST_CASE("a device asks for a code to show", "[oauth]") {
    oauth_calls f;
    f.http.answer(200,
                  R"({"device_code":"dc","user_code":"WDJB-MJHT","verification_uri":"https://t.example.com/device",)"
                  R"("verification_uri_complete":"https://t.example.com/device?c=WDJB-MJHT","expires_in":600})");
    const auto grant = f.client.begin_device(f.at);
    REQUIRE(grant.has_value());
    CHECK(grant->device_code.reveal() == "dc");
    CHECK(grant->user_code == "WDJB-MJHT");
    CHECK(grant->verification_uri == "https://t.example.com/device");
    CHECK(grant->verification_uri_complete == "https://t.example.com/device?c=WDJB-MJHT");
    CHECK(grant->expires_in == std::chrono::seconds(600));
    CHECK(grant->interval == std::chrono::seconds(5));
    CHECK(f.http.requests[0].url == server + "/oauth/device_authorization");
    CHECK(f.http.requests[0].body == "client_id=instatunnel-cli&scope=%2A");
}

TEST_CASE("a device answer that nobody could use is refused, and its numbers are bounded", "[oauth]") {
    oauth_calls f;
    const auto begin = [&](const std::string& body) {
        f.http.answer(200, body);
        return f.client.begin_device(f.at);
    };
    for (const char* body :
         {"{}", R"({"device_code":"d","user_code":"A","verification_uri":"javascript:x","expires_in":9})",
          R"({"device_code":"d","user_code":"A B","verification_uri":"https://t/d","expires_in":9})",
          R"({"device_code":"d","user_code":"A","verification_uri":"https://t/d","expires_in":0})",
          R"({"device_code":"","user_code":"A","verification_uri":"https://t/d","expires_in":9})"}) {
        CAPTURE(body);
        CHECK(begin(body).error().code == errc::unexpected_reply);
    }
    const auto grant = begin(
        R"({"device_code":"d","user_code":"A","verification_uri":"https://t/d","expires_in":999999,"interval":0})");
    REQUIRE(grant.has_value());
    CHECK(grant->expires_in == std::chrono::hours(1));
    CHECK(grant->interval == std::chrono::seconds(1));
    CHECK(grant->verification_uri_complete.empty());
}

TEST_CASE("a poll tells not yet, slower, no, too late and yes apart", "[oauth]") {
    oauth_calls f;
    const auto pending = f.poll(400, R"({"error":"authorization_pending"})");
    REQUIRE(pending.has_value());
    CHECK_FALSE(pending->tokens.has_value());
    CHECK_FALSE(pending->slow_down);
    CHECK(f.sent().value("grant_type") == "urn:ietf:params:oauth:grant-type:device_code");
    CHECK(f.sent().value("device_code") == "dev code");
    CHECK(f.poll(400, R"({"error":"slow_down"})")->slow_down);
    CHECK(f.poll(400, R"({"error":"access_denied"})").error().code == errc::sign_in_denied);
    CHECK(f.poll(400, R"({"error":"expired_token"})").error().code == errc::sign_in_expired);
    CHECK(f.poll(400, R"({"error":"unauthorized_client"})").error().code == errc::unexpected_reply);
    const auto granted = f.poll(200, tokens);
    REQUIRE(granted.has_value());
    REQUIRE(granted->tokens.has_value());
    CHECK(granted->tokens->access_token.reveal() == "ita_abc");
}

TEST_CASE("tokens are given back where the server takes them back", "[oauth]") {
    oauth_calls f;
    f.http.answer(200, "");
    CHECK(f.client.revoke(f.at, secret("itr_def")).has_value());
    CHECK(f.http.requests[0].url == server + "/oauth/revoke");
    CHECK(f.http.requests[0].body == "token=itr_def&client_id=instatunnel-cli");
    f.at.revocation_endpoint.clear();
    CHECK(f.client.revoke(f.at, secret("itr_def")).has_value());
    CHECK(f.http.requests.size() == 1);
}
