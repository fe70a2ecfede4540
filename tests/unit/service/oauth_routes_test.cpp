#include "catch_outcome.hpp"
#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/form.hpp"
#include "service_fixture.hpp"
#include "site_visitor.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

const std::string app_redirect = "https://app.example.com/cb";

struct app {
    std::string id, secret;
};

app make_app(service_fixture& f, const std::string& key, const json& more = json::object()) {
    json body = {{"name", "Web app"}, {"redirect_uris", {app_redirect}}};
    body.update(more);
    const auto r = f.call("POST", "/v1/oauth/clients", key, body);
    REQUIRE(r.status == 201);
    return {r.body["id"], r.body["client_secret"].is_null() ? "" : r.body["client_secret"].get<std::string>()};
}

std::string authorize_query(const app& a, const std::string& scope = "tunnels:read,tunnels:write") {
    return form()
        .add("client_id", a.id)
        .add("redirect_uri", app_redirect)
        .add("scope", scope)
        .add("state", "random_state_string")
        .text();
}

reply exchange(service_fixture& f, const app& a, const std::string& code) {
    return f.call(
        "POST", "/v1/oauth/token", "",
        {{"client_id", a.id}, {"client_secret", a.secret}, {"code", code}, {"grant_type", "authorization_code"}});
}

reply refresh(service_fixture& f, const app& a, const json& tokens) {
    return f.call("POST", "/v1/oauth/token", "",
                  {{"client_id", a.id},
                   {"client_secret", a.secret},
                   {"refresh_token", tokens["refresh_token"]},
                   {"grant_type", "refresh_token"}});
}

json tokens_of(service_fixture& f, const app& a, const std::string& scope = "tunnels:read,tunnels:write") {
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto done = exchange(f, a, ann.allow(authorize_query(a, scope)));
    REQUIRE(done.status == 200);
    return done.body;
}

}  // namespace

TEST_CASE("the documents' flow: authorize, exchange as JSON, call the API, refresh") {
    service_fixture f;
    const auto a = make_app(f, f.sign_up("ann@example.com"));
    const auto tokens = tokens_of(f, a);
    CHECK(tokens["token_type"] == "Bearer");
    CHECK(tokens["expires_in"] == 3600);
    CHECK(tokens["scope"] == "tunnels:read tunnels:write");
    const std::string access = tokens["access_token"];
    CHECK(f.call("GET", "/v1/tunnels", access).status == 200);
    const auto me = f.call("GET", "/v1/auth/user", access);
    CHECK(me.body["permissions"] == json({"tunnels:read", "tunnels:write"}));
    CHECK(me.body["key"]["name"] == "Web app");
    const auto refused = f.call("GET", "/v1/auth/keys", access);
    CHECK(is_error(refused, 403, "forbidden", 4003));
    CHECK(refused.body["required_scope"] == "keys:manage");

    const auto next = refresh(f, a, tokens);
    REQUIRE(next.status == 200);
    CHECK(next.body["refresh_token"] != tokens["refresh_token"]);
    CHECK(f.call("GET", "/v1/tunnels", next.body["access_token"]).status == 200);
}

TEST_CASE("a refresh token that comes twice ends everything of its consent, tunnels too") {
    service_fixture f;
    const auto a = make_app(f, f.sign_up("ann@example.com"));
    const auto first = tokens_of(f, a);
    const auto second = refresh(f, a, first).body;
    REQUIRE(f.admit(second["access_token"].get<std::string>(), "demo"));
    const auto stolen = refresh(f, a, first);
    CHECK(stolen.status == 400);
    CHECK(stolen.body["error"] == "invalid_grant");
    CHECK(f.call("GET", "/v1/tunnels", second["access_token"]).status == 401);
    CHECK(refresh(f, a, second).body["error"] == "invalid_grant");
    CHECK(f.eventually([&] { return !f.edge.closed_keys().empty(); }));
}

TEST_CASE("a code works once: a second use ends what the first one gave") {
    service_fixture f;
    const auto a = make_app(f, f.sign_up("ann@example.com"));
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto code = ann.allow(authorize_query(a));
    const auto tokens = exchange(f, a, code).body;
    CHECK(exchange(f, a, code).body["error"] == "invalid_grant");
    CHECK(f.call("GET", "/v1/tunnels", tokens["access_token"]).status == 401);
}

TEST_CASE("an access token opens tunnels and ends them when it expires or is revoked") {
    service_fixture f;
    const auto a = make_app(f, f.sign_up("ann@example.com"));
    const auto tokens = tokens_of(f, a);
    const std::string access = tokens["access_token"];
    const auto tunnel = f.admit(access, "demo");
    REQUIRE(tunnel);
    CHECK(tunnel->key_id.starts_with("tok_"));
    CHECK_FALSE(f.admit(tokens_of(f, a, "tunnels:read")["access_token"].get<std::string>(), "other"));

    const auto revoked =
        f.call("POST", "/v1/oauth/revoke", "", {{"client_id", a.id}, {"client_secret", a.secret}, {"token", access}});
    CHECK(revoked.status == 200);
    CHECK(f.edge.closed_keys() == std::vector<std::pair<std::string, errc>>{{tunnel->key_id, errc::revoked_key}});
    CHECK(f.call("GET", "/v1/tunnels", access).status == 401);

    const std::string next = refresh(f, a, tokens).body["access_token"];
    REQUIRE(f.admit(next, "demo"));
    f.advance(std::chrono::minutes(61));
    f.wait_for_ticks();
    CHECK(f.edge.closed_keys().size() == 2);
    CHECK(f.call("GET", "/v1/tunnels", next).body["reason"] == "expired_key");
}

TEST_CASE("logout with an access token ends its family") {
    service_fixture f;
    const auto a = make_app(f, f.sign_up("ann@example.com"));
    const auto tokens = tokens_of(f, a);
    CHECK(f.call("POST", "/v1/auth/logout", tokens["access_token"]).status == 204);
    CHECK(f.call("GET", "/v1/tunnels", tokens["access_token"]).status == 401);
    CHECK(refresh(f, a, tokens).body["error"] == "invalid_grant");
}

TEST_CASE("the token endpoint takes a form with Basic as well and says no in the words of RFC 6749") {
    service_fixture f;
    const auto a =
        make_app(f, f.sign_up("ann@example.com"),
                 {{"grants", {"client_credentials"}}, {"scopes", {"tunnels:read"}}, {"redirect_uris", json::array()}});
    const auto ask = [&](const std::string& body, const std::string& basic) {
        service::api_request request;
        request.method = "POST";
        request.path = "/v1/oauth/token";
        request.remote_address = f.address;
        if (!basic.empty()) request.fields.emplace_back("Authorization", "Basic " + to_base64(basic));
        request.body = secret(body);
        return f.call_raw(std::move(request));
    };
    const auto given = ask("grant_type=client_credentials&scope=tunnels%3Aread", a.id + ":" + a.secret);
    REQUIRE(given.status == 200);
    CHECK_FALSE(given.body.contains("refresh_token"));
    CHECK(f.call("GET", "/v1/tunnels", given.body["access_token"]).status == 200);

    const auto wrong = ask("grant_type=client_credentials", a.id + ":wrong");
    CHECK(wrong.status == 401);
    CHECK(wrong.body["error"] == "invalid_client");
    CHECK(wrong.field("WWW-Authenticate").starts_with("Basic "));
    CHECK(ask("grant_type=client_credentials&scope=tunnels:write", a.id + ":" + a.secret).body["error"] ==
          "invalid_scope");
    CHECK(ask("grant_type=password", a.id + ":" + a.secret).body["error"] == "unsupported_grant_type");
    CHECK(ask("grant_type=a&grant_type=b", a.id + ":" + a.secret).body["error"] == "invalid_request");
    CHECK(ask("%zz", "").body["error"] == "invalid_request");
    CHECK(ask("{", "").body["error"] == "invalid_request");
    CHECK(ask(R"({"client_id":"instatunnel-cli","scope":{}})", "").body["error"] == "invalid_request");
    CHECK(ask("", "").body["error"] == "invalid_request");
}

TEST_CASE("a client that acts for the account can do no more than the key that made it") {
    service_fixture f;
    const auto key = f.key_with(f.sign_up("ann@example.com"), {"keys:manage", "tunnels:read"});
    const json wanted = {{"name", "Robot"}, {"grants", {"client_credentials"}}};
    auto body = wanted;
    CHECK(f.call("POST", "/v1/oauth/clients", key, body).status == 422);
    body["scopes"] = {"tunnels:*"};
    const auto refused = f.call("POST", "/v1/oauth/clients", key, body);
    CHECK(is_error(refused, 403, "forbidden", 4003));
    CHECK(refused.body["required_scope"] == "tunnels:write");
    body["scopes"] = {"tunnels:read"};
    CHECK(f.call("POST", "/v1/oauth/clients", key, body).status == 201);
}

TEST_CASE("clients of an account are listed and removed by it alone, and take their tokens with them") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto other = f.sign_up("bob@example.com");
    const auto a = make_app(f, key);
    const auto tokens = tokens_of(f, a);
    CHECK(f.call("GET", "/v1/oauth/clients", key).body["clients"].size() == 1);
    CHECK(f.call("GET", "/v1/oauth/clients", other).body["clients"].empty());
    CHECK(f.call("DELETE", "/v1/oauth/clients/" + a.id, other).status == 404);
    CHECK(f.call("DELETE", "/v1/oauth/clients/" + a.id, key).status == 204);
    CHECK(f.call("GET", "/v1/tunnels", tokens["access_token"]).status == 401);
}

TEST_CASE("grants are listed and taken back with what stands under them") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto tokens = tokens_of(f, make_app(f, key));
    const auto listed = f.call("GET", "/v1/oauth/grants", key).body["grants"];
    REQUIRE(listed.size() == 1);
    CHECK(listed[0]["client_name"] == "Web app");
    const auto id = listed[0]["id"].get<std::string>();
    CHECK(f.call("DELETE", "/v1/oauth/grants/" + id, f.sign_up("bob@example.com")).status == 404);
    CHECK(f.call("DELETE", "/v1/oauth/grants/" + id, key).status == 204);
    CHECK(f.call("GET", "/v1/tunnels", tokens["access_token"]).status == 401);
}

TEST_CASE("a client hears about its own tokens only") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto a = make_app(f, key);
    const auto b = make_app(f, key);
    const std::string access = tokens_of(f, a)["access_token"];
    const auto ask = [&](const app& who) {
        return f.call("POST", "/v1/oauth/introspect", "",
                      {{"client_id", who.id}, {"client_secret", who.secret}, {"token", access}});
    };
    const auto own = ask(a).body;
    CHECK(own["active"] == true);
    CHECK(own["client_id"] == a.id);
    CHECK(own["scope"] == "tunnels:read tunnels:write");
    CHECK(ask(b).body == json({{"active", false}}));
    const auto revoked =
        f.call("POST", "/v1/oauth/revoke", "", {{"client_id", b.id}, {"client_secret", b.secret}, {"token", access}});
    CHECK(revoked.status == 200);
    CHECK(ask(a).body["active"] == true);
}

TEST_CASE("clients register themselves where the owner lets them") {
    service_fixture f;
    const json asked = {{"client_name", "My editor"},
                        {"redirect_uris", {"http://127.0.0.1/cb"}},
                        {"token_endpoint_auth_method", "none"}};
    const auto made = f.call("POST", "/v1/oauth/register", "", asked);
    REQUIRE(made.status == 201);
    CHECK_FALSE(made.body.contains("client_secret"));
    CHECK(made.body["grant_types"] == json({"authorization_code", "refresh_token"}));
    auto bad = asked;
    bad["redirect_uris"] = {"http://example.com/cb"};
    CHECK(f.call("POST", "/v1/oauth/register", "", bad).body["error"] == "invalid_redirect_uri");
    bad = asked;
    bad["grant_types"] = {"client_credentials"};
    CHECK(f.call("POST", "/v1/oauth/register", "", bad).body["error"] == "invalid_client_metadata");
    bad = asked;
    bad["token_endpoint_auth_method"] = "private_key_jwt";
    CHECK(f.call("POST", "/v1/oauth/register", "", bad).body["error"] == "invalid_client_metadata");

    f.options.client_registration = false;
    f.restart();
    CHECK(f.call("POST", "/v1/oauth/register", "", asked).body["error"] == "access_denied");
    CHECK_FALSE(f.call("GET", "/.well-known/oauth-authorization-server").body.contains("registration_endpoint"));
}

TEST_CASE("the metadata names what there is") {
    service_fixture f;
    const auto about = f.call("GET", "/.well-known/oauth-authorization-server").body;
    const std::string issuer = about["issuer"];
    CHECK(issuer == "https://api.t.example.com:8443");
    CHECK(about["token_endpoint"] == issuer + "/v1/oauth/token");
    CHECK(about["code_challenge_methods_supported"] == json({"S256"}));
    CHECK(about["authorization_response_iss_parameter_supported"] == true);
    CHECK(about["scopes_supported"].size() == 17);
}

TEST_CASE("a key that the command line makes with its token ends with the other sign-ins") {
    service_fixture f;
    f.sign_up("ann@example.com");
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto asked =
        f.call("POST", "/v1/oauth/device_authorization", "", {{"client_id", "instatunnel-cli"}, {"scope", "*"}});
    REQUIRE(asked.status == 200);
    const json poll = {{"client_id", "instatunnel-cli"},
                       {"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                       {"device_code", asked.body["device_code"]}};
    CHECK(f.call("POST", "/v1/oauth/token", "", poll).body["error"] == "authorization_pending");
    CHECK(f.call("POST", "/v1/oauth/token", "", poll).body["error"] == "slow_down");
    ann.allow_device(asked.body["user_code"]);
    const auto tokens = f.call("POST", "/v1/oauth/token", "", poll);
    REQUIRE(tokens.status == 200);
    CHECK(f.call("POST", "/v1/oauth/token", "", poll).body["error"] == "invalid_grant");
    const auto made =
        f.call("POST", "/v1/auth/keys", tokens.body["access_token"], {{"name", "CLI - box"}, {"permissions", {"*"}}});
    REQUIRE(made.status == 201);
    CHECK(ann.get("/account/devices").text.find("CLI - box") != std::string::npos);
}
