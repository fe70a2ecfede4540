#include <algorithm>
#include <future>

#include "catch_outcome.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/signing_key.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "service_fixture.hpp"
#include "site_visitor.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using instatunnel::service::visitor_verdict;
using nlohmann::json;

namespace {

const std::string mcp_callback = "https://app.example.com/cb";

// An edge with the tunnel "demo" of ann, behind which an MCP server stands, and an app that calls it.
struct mcp_fixture : service_fixture {
    mcp_fixture() {
        ann_key = sign_up("ann@example.com");
        const auto made = call("POST", "/v1/oauth/register", "",
                               {{"client_name", "Assistant"},
                                {"redirect_uris", {mcp_callback}},
                                {"token_endpoint_auth_method", "client_secret_post"},
                                {"scope", "mcp:call"}});
        REQUIRE(made.status == 201);
        client = made.body["client_id"];
        client_secret = made.body["client_secret"];
        open({});
    }

    void open(std::vector<std::string> users) {
        instatunnel::service::tunnel_claim claim;
        claim.key = secret(ann_key);
        claim.name = "demo";
        claim.instance = "i1";
        claim.mcp = true;
        claim.mcp_users = std::make_shared<const std::vector<std::string>>(std::move(users));
        const auto granted = admit(std::move(claim));
        REQUIRE(granted);
        door.host = granted->host;
        door.url = granted->url;
        door.account_id = granted->account_id;
        door.users = nullptr;
    }
    std::string query(const std::string& resource, const std::string& scope) const {
        return form()
            .add("client_id", client)
            .add("redirect_uri", mcp_callback)
            .add("scope", scope)
            .add("resource", resource)
            .add("state", "s")
            .text();
    }
    json tokens(const std::string& email, const std::string& resource, const std::string& scope = "mcp:call") {
        site_visitor browser(*this);
        browser.sign_in(email, "correct horse");
        const auto done = call("POST", "/v1/oauth/token", "",
                               {{"client_id", client},
                                {"client_secret", client_secret},
                                {"code", browser.allow(query(resource, scope))},
                                {"resource", resource},
                                {"grant_type", "authorization_code"}});
        REQUIRE(done.status == 200);
        return done.body;
    }
    std::string token(const std::string& email = "ann@example.com", const std::string& path = "/mcp") {
        return tokens(email, "https://" + door.host + path)["access_token"];
    }
    instatunnel::service::visitor_answer check(const std::string& token,
                                               instatunnel::service::visitor_list users = nullptr) {
        instatunnel::service::visitor_claim claim{secret(token), door.host, door.url, door.account_id,
                                                  std::move(users)};
        std::promise<instatunnel::service::visitor_answer> answer;
        subject->check_visitor(std::move(claim),
                               [&](instatunnel::service::visitor_answer a) { answer.set_value(std::move(a)); });
        return answer.get_future().get();
    }
    visitor_verdict verdict(const std::string& token, std::vector<std::string> users = {}) {
        return check(token, std::make_shared<const std::vector<std::string>>(std::move(users))).verdict;
    }
    visitor_verdict again(const instatunnel::service::visitor_answer& good) {
        std::promise<std::vector<visitor_verdict>> answer;
        subject->check_again({{good.token_id, good.user_id, good.client_id, door.host, door.account_id, door.users}},
                             [&](std::vector<visitor_verdict> v) { answer.set_value(std::move(v)); });
        return answer.get_future().get().at(0);
    }

    std::string ann_key, client, client_secret;
    instatunnel::service::visitor_claim door;
};

json decoded_part(const std::string& token, std::size_t part) {
    std::size_t begin = 0;
    for (; part > 0; --part)
        begin = token.find('.', begin) + 1;
    return json::parse(from_base64url(token.substr(begin, token.find('.', begin) - begin)).value());
}

}  // namespace

TEST_CASE("the owner's token for the tunnel is good, with and without a path") {
    mcp_fixture f;
    CHECK(f.verdict(f.token()) == visitor_verdict::good);
    CHECK(f.verdict(f.token("ann@example.com", "")) == visitor_verdict::good);
    const auto answer = f.check(f.token());
    CHECK(answer.token_id.starts_with("tok_"));
    CHECK(answer.expires_at > f.settings.now() + std::chrono::minutes(59));
}

TEST_CASE("what is no token for this tunnel is refused, each for its reason") {
    mcp_fixture f;
    CHECK(f.verdict("ita_0123456789abcdefghijABCDEFGHIJ0123456789") == visitor_verdict::unknown);
    CHECK(f.verdict(f.ann_key) == visitor_verdict::unknown);
    const auto pair = f.tokens("ann@example.com", "https://" + f.door.host);
    CHECK(f.verdict(pair["refresh_token"]) == visitor_verdict::unknown);
    const auto other = f.tokens("ann@example.com", "https://other." + f.door.host.substr(f.door.host.find('.') + 1));
    CHECK(f.verdict(other["access_token"]) == visitor_verdict::other_audience);
    const auto token = f.token();
    f.advance(std::chrono::minutes(61));
    CHECK(f.verdict(token) == visitor_verdict::ended);
}

TEST_CASE("a token for the tunnel is none for the API, and gives one scope whatever was asked for") {
    mcp_fixture f;
    const auto made = f.tokens("ann@example.com", "https://" + f.door.host, "mcp:call tunnels:read");
    CHECK(made["scope"] == "mcp:call");
    CHECK(f.call("GET", "/v1/tunnels", made["access_token"]).status == 401);
    const auto data = store::open_sqlite(f.folder.path()).value();
    CHECK(data->list_grants(f.check(made["access_token"]).user_id)->at(0).scopes ==
          std::vector<std::string>{"mcp:call"});
}

TEST_CASE("a token without the scope is refused") {
    mcp_fixture f;
    const auto good = f.check(f.token());
    const auto data = store::open_sqlite(f.folder.path()).value();
    auto record = data->find_oauth_token_by_id(good.token_id)->value();
    const auto token = "ita_" + std::string(40, 'x');
    record.id = "tok_x";
    record.digest = hmac_sha256(std::move(auth::load_or_make_pepper(f.folder.path()).value()).reveal(), token);
    record.scopes = {"tunnels:read"};
    REQUIRE(data->add_oauth_token(record));
    CHECK(f.verdict(token) == visitor_verdict::missing_scope);
}

TEST_CASE("others may call when the owner has named their confirmed address, or everybody") {
    mcp_fixture f;
    f.sign_up("bob@example.com");
    f.open({"*"});  // so that consent is asked for
    const auto token = f.token("bob@example.com");
    CHECK(f.verdict(token) == visitor_verdict::not_invited);
    CHECK(f.verdict(token, {"ann@example.com", "carl@example.com"}) == visitor_verdict::not_invited);
    CHECK(f.verdict(token, {"*"}) == visitor_verdict::good);
    CHECK(f.verdict(token, {"bob@example.com"}) == visitor_verdict::not_invited);
    const auto data = store::open_sqlite(f.folder.path()).value();
    REQUIRE(data->verify_email(data->find_user_by_email("bob@example.com")->value().id, f.settings.now()));
    CHECK(f.verdict(token, {"bob@example.com"}) == visitor_verdict::good);
}

TEST_CASE("people whom the owner has not named are told so instead of being asked") {
    mcp_fixture f;
    f.sign_up("bob@example.com");
    const auto address = "/v1/oauth/authorize?" + f.query("https://" + f.door.host + "/mcp", "mcp:call");
    site_visitor bob(f);
    bob.sign_in("bob@example.com", "correct horse");
    const auto page = bob.get(address);
    CHECK(page.status == 403);
    CHECK(page.text.find("has not named <strong>bob@example.com</strong>") != std::string::npos);
    CHECK(bob.post(address, {{"decision", "allow"}}).status == 403);
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    const auto asked = ann.get(address);
    CHECK(asked.status == 200);
    CHECK(asked.text.find("Call the MCP server behind the tunnel") != std::string::npos);
    CHECK(asked.text.find("<code>https://" + f.door.host + "</code>") != std::string::npos);
}

TEST_CASE("the app gets a signed statement that the published key verifies") {
    mcp_fixture f;
    const auto identity = f.check(f.token()).identity;
    const auto head = decoded_part(identity, 0), body = decoded_part(identity, 1);
    CHECK(head["alg"] == "EdDSA");
    CHECK(head["typ"] == "instatunnel-identity+jwt");
    CHECK(body["aud"] == f.door.url);
    CHECK(body["email"] == "ann@example.com");
    CHECK(body["sub"].get<std::string>().starts_with("user_"));
    CHECK(body["client_id"] == f.client);
    CHECK(body["iat"] == unix_seconds(f.settings.now()));
    CHECK(body["exp"] == body["iat"].get<std::int64_t>() + 300);
    const auto published = f.call("GET", "/.well-known/jwks.json").body["keys"].at(0);
    const auto metadata = f.call("GET", "/.well-known/oauth-authorization-server").body;
    CHECK(body["iss"] == metadata["issuer"]);
    CHECK(metadata["jwks_uri"] == metadata["issuer"].get<std::string>() + "/.well-known/jwks.json");
    CHECK(head["kid"] == published["kid"]);
    const auto key = auth::signing_key::load_or_make(f.folder.path()).value();
    CHECK(published["x"] == to_base64url(key.public_bytes()));
    const auto dot = identity.rfind('.');
    const auto signature = from_base64url(identity.substr(dot + 1)).value();
    CHECK(key.verifies(identity.substr(0, dot), signature));
    CHECK_FALSE(key.verifies(identity.substr(0, dot) + "x", signature));
}

TEST_CASE("the key for statements stays the same over restarts") {
    mcp_fixture f;
    const auto before = f.call("GET", "/.well-known/jwks.json").body;
    f.restart();
    CHECK(f.call("GET", "/.well-known/jwks.json").body == before);
}

TEST_CASE("requests may outlive their token, but not what stands behind it") {
    mcp_fixture f;
    const auto good = f.check(f.token());
    CHECK(f.again(good) == visitor_verdict::good);
    f.advance(std::chrono::hours(2));
    CHECK(f.again(good) == visitor_verdict::good);
    // Long after, the token itself has been thrown away.
    f.advance(std::chrono::hours(48));
    const auto data = store::open_sqlite(f.folder.path()).value();
    REQUIRE(data->purge_oauth(f.settings.now(), f.settings.now() - std::chrono::hours(1000)));
    CHECK_FALSE(*data->find_oauth_token_by_id(good.token_id));
    CHECK(f.again(good) == visitor_verdict::good);
    const auto grants = f.call("GET", "/v1/oauth/grants", f.ann_key).body["grants"];
    REQUIRE(grants.size() == 1);
    REQUIRE(f.call("DELETE", "/v1/oauth/grants/" + grants[0]["id"].get<std::string>(), f.ann_key).status == 204);
    CHECK(f.again(good) == visitor_verdict::ended);
}

TEST_CASE("taking a consent back ends its tokens, also those that had expired") {
    mcp_fixture f;
    const auto token = f.token();
    const auto good = f.check(token);
    const auto grants = f.call("GET", "/v1/oauth/grants", f.ann_key).body["grants"];
    REQUIRE(f.call("DELETE", "/v1/oauth/grants/" + grants[0]["id"].get<std::string>(), f.ann_key).status == 204);
    CHECK(f.verdict(token) == visitor_verdict::ended);
    CHECK(f.again(good) == visitor_verdict::ended);
    const auto closed = f.edge.closed_keys();
    CHECK(std::ranges::any_of(closed, [&](const auto& one) { return one.first == good.token_id; }));
}

TEST_CASE("an account that may not sign in any more calls nothing") {
    mcp_fixture f;
    const auto token = f.token();
    const auto good = f.check(token);
    const auto data = store::open_sqlite(f.folder.path()).value();
    REQUIRE(data->disable_user(good.user_id, true));
    CHECK(f.verdict(token) == visitor_verdict::ended);
    CHECK(f.again(good) == visitor_verdict::ended);
    CHECK(f.eventually([&] { return f.edge.looks_at_visitors() > 0; }));
}
