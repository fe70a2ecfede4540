#include "instatunnel/oidc/provider.hpp"

#include <algorithm>

#include "fake_provider.hpp"

using namespace instatunnel;
using namespace instatunnel::oidc;
using namespace instatunnel::oidc::testing;
using namespace std::chrono_literals;

namespace {

const std::string configuration = "https://id.example.com/realm/.well-known/openid-configuration";
const std::string token = "https://id.example.com/token";
const std::string keys = "https://id.example.com/keys";
const std::string userinfo = "https://id.example.com/userinfo";

}  // namespace

TEST_CASE("a person who signs in at the provider is known by issuer and subject", "[oidc]") {
    sign_in_fixture f;
    const auto who = f.sign_in_now();
    INFO(why(who));
    REQUIRE(who);
    CHECK(who->issuer == "https://id.example.com/realm");
    CHECK(who->subject == "248289761001");
    CHECK(who->email == "ann@example.com");
    CHECK(who->email_verified);
    CHECK(who->name == "Ann");
    CHECK(f.far.count(userinfo) == 0);
    for (const auto& request : f.far.seen) {
        CHECK(request.max_bytes == 256 * 1024);
        CHECK(request.addresses == fetch::address_policy::any);
    }
}

TEST_CASE("the browser is sent to the provider with all that the flow needs", "[oidc]") {
    sign_in_fixture f;
    const auto begun = f.begin();
    REQUIRE(begun);
    const std::string start = "https://id.example.com/authorize?";
    REQUIRE(begun->location.starts_with(start));
    const auto query = *form::parse(begun->location.substr(start.size()));
    CHECK(std::ranges::count(begun->location, '&') == 7);
    CHECK(query.value("response_type") == "code");
    CHECK(query.value("client_id") == "client-1");
    CHECK(query.value("scope") == "openid email profile");
    CHECK(query.value("redirect_uri") == "https://api.t.example.com/cb");
    CHECK(query.value("state") == begun->kept.state);
    CHECK(query.value("nonce") == begun->kept.nonce);
    CHECK(query.value("code_challenge") == auth::code_challenge(begun->kept.verifier.reveal()));
    CHECK(query.value("code_challenge_method") == "S256");
    CHECK(begun->kept.state.size() == 32);
    CHECK(begun->kept.nonce.size() == 32);
    const auto again = f.begin();
    REQUIRE(again);
    CHECK(again->kept.state != begun->kept.state);
    CHECK(again->kept.nonce != begun->kept.nonce);
    CHECK(again->kept.verifier.reveal() != begun->kept.verifier.reveal());

    f.far.metadata["authorization_endpoint"] = "https://id.example.com/authorize?tenant=1";
    f.make();
    CHECK(f.begin()->location.starts_with("https://id.example.com/authorize?tenant=1&response_type=code&"));
}

TEST_CASE("the code is exchanged in the way that the provider takes a client's secret", "[oidc]") {
    const auto [secret_text, methods, authorization, in_body] =
        GENERATE(table<std::string, json, std::string, std::string>(
            {{"s3cret", json(), "Basic Y2xpZW50LTE6czNjcmV0", ""},
             {"s3cret", json{"client_secret_post", "client_secret_basic"}, "Basic Y2xpZW50LTE6czNjcmV0", ""},
             {"a:b/+", json(), "Basic Y2xpZW50LTE6YSUzQWIlMkYlMkI=", ""},
             {"a:b/+", json{"client_secret_post"}, "", "&client_id=client-1&client_secret=a%3Ab%2F%2B"},
             {"", json{"client_secret_basic"}, "", "&client_id=client-1"},
             {"", json{"none"}, "", "&client_id=client-1"}}));
    sign_in_fixture f(secret_text);
    if (!methods.is_null()) f.far.metadata["token_endpoint_auth_methods_supported"] = methods;
    const auto begun = f.begin();
    REQUIRE(begun);
    const auto who = f.finish(begun->kept, f.far.sign_in_at(begun->location));
    INFO(why(who));
    REQUIRE(who);
    const auto& request = f.far.last(token);
    CHECK(request.authorization == authorization);
    CHECK(request.body ==
          "grant_type=authorization_code&code=code-1&redirect_uri=https%3A%2F%2Fapi.t.example.com%2Fcb"
          "&code_verifier=" +
              std::string(begun->kept.verifier.reveal()) + in_body);
}

TEST_CASE("every way of signing that is known is taken", "[oidc]") {
    const auto algorithm = GENERATE("RS256", "PS256", "ES256");
    sign_in_fixture f;
    f.far.sign = [&](const std::string& payload) {
        return (algorithm[0] == 'E' ? ec_signer() : rsa_signer()).sign(payload, algorithm);
    };
    CHECK(why(f.sign_in_now()) == "accepted");
}

TEST_CASE("an email that the ID token does not name is asked for, about the same person only", "[oidc]") {
    sign_in_fixture f;
    f.far.claims.erase("email");
    f.far.claims.erase("email_verified");
    const auto who = f.sign_in_now();
    INFO(why(who));
    REQUIRE(who);
    CHECK(who->email == "ann@example.com");
    CHECK(who->email_verified);
    CHECK(who->name == "Ann");
    CHECK(f.far.last(userinfo).authorization == "Bearer at-1");

    f.far.userinfo["sub"] = "somebody else";
    CHECK(why(f.sign_in_now()) ==
          "unexpected_reply: The userinfo of Example is about another person than its ID token");
    f.far.userinfo.erase("sub");
    CHECK_FALSE(f.sign_in_now());
    f.far.instead.emplace(userinfo, fake_provider::reply(401, "{}"));
    CHECK(why(f.sign_in_now()) == "unexpected_reply: The OpenID provider answered with status 401 instead of 200");

    // Without a token that can be shown there, or without the endpoint, the person simply has no address.
    f.far.tokens["token_type"] = "DPoP";
    auto unnamed = f.sign_in_now();
    REQUIRE(unnamed);
    CHECK(unnamed->email.empty());
    CHECK_FALSE(unnamed->email_verified);
}

TEST_CASE("an address counts as verified only if the provider says so about a usable address", "[oidc]") {
    const auto [email, verified, kept, is_verified] =
        GENERATE(table<json, json, std::string, bool>({{"ann@example.com", true, "ann@example.com", true},
                                                       {"ann@example.com", "true", "ann@example.com", true},
                                                       {"ann@example.com", false, "ann@example.com", false},
                                                       {"ann@example.com", "false", "ann@example.com", false},
                                                       {"ann@example.com", json(), "ann@example.com", false},
                                                       {"ann@example.com", 1, "ann@example.com", false},
                                                       {"ann@example.com\nbob@example.com", true, "", false},
                                                       {"no address", true, "", false}}));
    sign_in_fixture f;
    f.far.claims["email"] = email;
    f.far.claims["email_verified"] = verified;
    const auto who = f.sign_in_now();
    REQUIRE(who);
    CHECK(who->email == kept);
    CHECK(who->email_verified == is_verified);
}

TEST_CASE("a name that is not fit for display is left out", "[oidc]") {
    sign_in_fixture f;
    f.far.claims["name"] = "Ann\u202e";
    const auto who = f.sign_in_now();
    REQUIRE(who);
    CHECK(who->name.empty());
}

TEST_CASE("what the provider says of itself is fetched once an hour", "[oidc]") {
    sign_in_fixture f;
    REQUIRE(f.sign_in_now());
    REQUIRE(f.sign_in_now());
    CHECK(f.far.count(configuration) == 1);
    CHECK(f.far.count(keys) == 1);
    f.far.now += 59min;
    f.far.claims["exp"] = 1'900'000'000;
    REQUIRE(f.sign_in_now());
    CHECK(f.far.count(configuration) == 1);
    f.far.now += 1min;
    REQUIRE(f.sign_in_now());
    CHECK(f.far.count(configuration) == 2);
    CHECK(f.far.count(keys) == 2);

    // What can no longer be had is not trusted any longer.
    f.far.now += 1h;
    f.far.instead.emplace(configuration, failure(errc::connect_timeout, "id.example.com did not answer in time"));
    CHECK(why(f.sign_in_now()) == "connect_timeout: id.example.com did not answer in time");
    f.far.instead.clear();
    CHECK(f.sign_in_now());
}

TEST_CASE("many who come at once wait for the same document", "[oidc]") {
    sign_in_fixture f;
    f.far.holds_back = true;
    int begun = 0, refused = 0;
    for (int i = 0; i < 300; ++i)
        f.here->begin("https://api.t.example.com/cb", [&](const outcome<begun_sign_in>& b) {
            if (b) ++begun;
            if (!b && b.error().code == errc::busy) ++refused;
        });
    CHECK(f.far.count(configuration) == 1);
    CHECK(begun == 0);
    f.far.let_go();
    CHECK(begun == 256);
    CHECK(refused == 44);
}

TEST_CASE("a sign-in under way outlives the provider", "[oidc]") {
    sign_in_fixture f;
    const auto begun = f.begin();
    REQUIRE(begun);
    const auto query = f.far.sign_in_at(begun->location);
    f.far.holds_back = true;
    outcome<identity> who = failure(errc::internal, "not called");
    f.here->finish({begun->kept.state, begun->kept.nonce, begun->kept.verifier.clone(), begun->kept.redirect_uri},
                   query, [&](outcome<identity> i) { who = std::move(i); });
    f.here.reset();
    f.far.let_go();
    CHECK(why(who) == "accepted");
}

TEST_CASE("new keys are looked for when a token names one that is not known, at most once a minute", "[oidc]") {
    sign_in_fixture f;
    f.far.keys = jwk_set({rsa_signer().public_jwk()});
    REQUIRE(f.sign_in_now());
    CHECK(f.far.count(keys) == 1);

    f.far.sign = [](const std::string& payload) { return ec_signer().sign(payload, "ES256"); };
    f.far.keys = jwk_set({ec_signer().public_jwk()});
    const std::string unknown = "unexpected_reply: The provider's ID token is signed with an unknown key";
    CHECK(why(f.sign_in_now()) == unknown);
    CHECK(f.far.count(keys) == 1);
    f.far.now += 60s;
    CHECK(why(f.sign_in_now()) == "accepted");
    CHECK(f.far.count(keys) == 2);

    f.far.keys = jwk_set({});
    f.far.sign = [](const std::string& payload) { return rsa_signer().sign(payload, "RS256"); };
    f.far.now += 60s;
    CHECK(why(f.sign_in_now()) == unknown);
    CHECK(why(f.sign_in_now()) == unknown);
    CHECK(f.far.count(keys) == 3);
}

TEST_CASE("failures of the provider are told without its words", "[oidc]") {
    sign_in_fixture f;
    f.far.instead.emplace(token, fake_provider::reply(400, R"({"error":"invalid_grant","error_description":"<b>"})"));
    CHECK(why(f.sign_in_now()) == "unexpected_reply: Example did not take the sign-in's code: invalid_grant");
    f.far.instead.clear();
    f.far.instead.emplace(token, fake_provider::reply(500, R"({"error":"<script>"})"));
    CHECK(why(f.sign_in_now()) == "unexpected_reply: Example did not take the sign-in's code: an unknown error");
    f.far.instead.clear();
    f.far.instead.emplace(token, fake_provider::reply(200, "<html>"));
    CHECK(why(f.sign_in_now()) == "unexpected_reply: The token answer of Example is no JSON");
    f.far.instead.clear();
    f.far.instead.emplace(token, fake_provider::reply(200, R"({"access_token":"x","token_type":"bearer"})"));
    CHECK(why(f.sign_in_now()) == "unexpected_reply: The token answer of Example has no ID token");
    f.far.instead.clear();
    f.far.instead.emplace(keys, fake_provider::reply(200, "[]"));
    CHECK(why(f.sign_in_now()) == "unexpected_reply: The provider's keys are not a usable set");
}
