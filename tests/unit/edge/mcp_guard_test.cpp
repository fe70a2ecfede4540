#include "edge/mcp_guard.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"

using namespace instatunnel;
using namespace instatunnel::edge;
using mcp_kind = mcp_guard::verdict::kind;
using service::visitor_verdict;

namespace {

const std::chrono::steady_clock::time_point mcp_time{std::chrono::hours(1)};
constexpr const char* tunnel_token = "itm_0123456789abcdefghijABCDEFGHIJ0123456789";
constexpr const char* access_token = "ita_0123456789abcdefghijABCDEFGHIJ0123456789";

mcp_wish bearer_wish() {
    return {"bearer", to_base64url(sha256(tunnel_token)), {}};
}

// One visitor's address before one MCP server.
struct mcp_caller {
    explicit mcp_caller(const mcp_wish& wish)
        : door(wish, "https://demo.t.example.com:8443", "https://api.t.example.com") {}

    mcp_guard::verdict ask(std::vector<wire::field> fields, std::string_view path = "/mcp",
                           std::string_view method = "POST") {
        head = {};
        head.method = method;
        head.path = path;
        head.fields = std::move(fields);
        return door.check(head, tries, mcp_time);
    }
    // 0: it may pass.
    int status(std::vector<wire::field> fields, std::string_view path = "/mcp", std::string_view method = "POST") {
        const auto v = ask(std::move(fields), path, method);
        return v.what == mcp_kind::answer ? v.response.status : 0;
    }

    mcp_guard door;
    wire::request_head head;
    auth::token_bucket tries{auth::bucket_rule::per_minute(3), mcp_time};
};

std::string mcp_said(const service::api_response& r, std::string_view name) {
    for (const auto& [n, value] : r.fields)
        if (iequals(n, name)) return value;
    return {};
}

std::string mcp_authorization(std::string_view token, std::string_view scheme = "Bearer ") {
    return std::string(scheme) + std::string(token);
}

}  // namespace

TEST_CASE("a wish for a guard is only known when it is whole") {
    CHECK(bearer_wish().is_known());
    CHECK(mcp_wish{"oauth", "", {}}.is_known());
    CHECK_FALSE(mcp_wish{"bearer", "", {}}.is_known());
    CHECK_FALSE(mcp_wish{"bearer", "AAAA", {}}.is_known());
    CHECK_FALSE(mcp_wish{"bearer", std::string(43, '!'), {}}.is_known());
    CHECK_FALSE(mcp_wish{"mtls", "", {}}.is_known());
    CHECK_FALSE(mcp_wish{}.any());
}

TEST_CASE("the tunnel's token lets its bearer pass and nothing else does") {
    mcp_caller f(bearer_wish());
    const auto right = mcp_authorization(tunnel_token), lower = mcp_authorization(tunnel_token, "bearer ");
    const auto wrong = mcp_authorization("itm_0123456789abcdefghijABCDEFGHIJ0123456780");
    const auto basic = mcp_authorization(tunnel_token, "Basic ");
    CHECK(f.status({{"Authorization", right}}) == 0);
    CHECK(f.status({{"authorization", lower}}) == 0);
    CHECK(f.status({}) == 401);
    CHECK(f.status({{"Authorization", "Bearer"}}) == 401);
    CHECK(f.status({{"Authorization", basic}}) == 401);
    CHECK(f.status({{"X-Authorization", right}}) == 401);
    CHECK(f.status({{"Authorization", right}, {"Authorization", right}}) == 401);
    CHECK(f.status({}, "/mcp?access_token=" + std::string(tunnel_token)) == 401);
    const auto refused = f.ask({{"Authorization", wrong}}).response;
    CHECK(refused.status == 401);
    CHECK(mcp_said(refused, "WWW-Authenticate")
              .starts_with("Bearer realm=\"https://demo.t.example.com:8443\", error=\"invalid_token\""));
    CHECK(mcp_said(refused, "Cache-Control") == "no-store");
}

TEST_CASE("wrong tokens are counted, right and missing ones are not") {
    mcp_caller f(bearer_wish());
    const auto right = mcp_authorization(tunnel_token);
    for (int i = 0; i < 20; ++i) {
        CHECK(f.status({{"Authorization", right}}) == 0);
        CHECK(f.status({}) == 401);
    }
    for (int i = 0; i < 3; ++i)
        CHECK(f.status({{"Authorization", "Bearer wrong"}}) == 401);
    CHECK(f.status({{"Authorization", "Bearer wrong"}}) == 429);
    CHECK(f.status({{"Authorization", right}}) == 429);
}

TEST_CASE("without a token a client is led to the authorization server") {
    mcp_caller f({"oauth", "", {}});
    const auto told = [&](std::string_view path) { return mcp_said(f.ask({}, path).response, "WWW-Authenticate"); };
    CHECK(told("/mcp") ==
          "Bearer resource_metadata=\"https://demo.t.example.com:8443/.well-known/oauth-protected-resource/mcp\", "
          "scope=\"mcp:call\"");
    const std::string whole =
        "Bearer resource_metadata=\"https://demo.t.example.com:8443/.well-known/oauth-protected-resource\", "
        "scope=\"mcp:call\"";
    CHECK(told("/") == whole);
    CHECK(told("/messages?sessionId=1") == whole);
    CHECK(told("/a\"b") == whole);
    CHECK(f.status({{"Authorization", "Bearer it_0123456789abcdef"}}) == 401);
}

TEST_CASE("an access token is for the service to look at") {
    mcp_caller f({"oauth", "", {}});
    const auto value = mcp_authorization(access_token);
    const auto v = f.ask({{"Authorization", value}});
    CHECK(v.what == mcp_kind::ask);
    CHECK(v.token == access_token);
    CHECK(f.status({{"Authorization", "Bearer ita_short"}}) == 401);
}

TEST_CASE("the protected resource describes itself for every path") {
    mcp_caller f({"oauth", "", {}});
    for (const auto& [path, resource] : std::vector<std::pair<std::string, std::string>>{
             {"", ""}, {"/", ""}, {"/mcp", "/mcp"}, {"/a/b%20c", "/a/b%20c"}, {"/mcp?x=1", "/mcp"}}) {
        const auto r = f.ask({}, "/.well-known/oauth-protected-resource" + path, "GET").response;
        REQUIRE(r.status == 200);
        const auto body = nlohmann::json::parse(r.body);
        CHECK(body["resource"] == "https://demo.t.example.com:8443" + resource);
        CHECK(body["authorization_servers"] == nlohmann::json::array({"https://api.t.example.com"}));
        CHECK(body["scopes_supported"] == nlohmann::json::array({"mcp:call"}));
        CHECK(body["bearer_methods_supported"] == nlohmann::json::array({"header"}));
    }
    CHECK(f.status({}, "/.well-known/oauth-protected-resource/\"x", "GET") == 404);
    CHECK(f.status({}, "/.well-known/oauth-protected-resourcex", "GET") == 404);
    CHECK(f.status({}, "/.well-known/oauth-protected-resource", "POST") == 405);
    CHECK(mcp_caller(bearer_wish()).status({}, "/.well-known/oauth-protected-resource", "GET") == 401);
}

TEST_CASE("every refusal of the service has its own answer") {
    mcp_caller f({"oauth", "", {}});
    (void)f.ask({});
    const auto told = [&](visitor_verdict v) { return f.door.refuse(f.head, v); };
    for (const auto v : {visitor_verdict::unknown, visitor_verdict::ended, visitor_verdict::other_audience}) {
        CHECK(told(v).status == 401);
        CHECK(mcp_said(told(v), "WWW-Authenticate").find("error=\"invalid_token\"") != std::string::npos);
        CHECK(mcp_said(told(v), "WWW-Authenticate").find("resource_metadata=") != std::string::npos);
    }
    CHECK(told(visitor_verdict::missing_scope).status == 403);
    CHECK(mcp_said(told(visitor_verdict::missing_scope), "WWW-Authenticate").find("error=\"insufficient_scope\"") !=
          std::string::npos);
    CHECK(told(visitor_verdict::not_invited).status == 403);
    CHECK(mcp_said(told(visitor_verdict::not_invited), "WWW-Authenticate").empty());
}

TEST_CASE("pages of other origins may ask with a token and read what the edge says") {
    mcp_caller f(bearer_wish());
    const std::vector<wire::field> preflight{{"Origin", "https://app.example"},
                                             {"Access-Control-Request-Method", "POST"}};
    auto with_token = preflight;
    with_token.push_back({"Access-Control-Request-Headers", "authorization,content-type,mcp-session-id"});
    CHECK(f.ask(preflight, "/mcp", "OPTIONS").what == mcp_kind::pass);
    const auto allowed = f.ask(with_token, "/mcp", "OPTIONS").response;
    CHECK(allowed.status == 204);
    CHECK(mcp_said(allowed, "Access-Control-Allow-Origin") == "https://app.example");
    CHECK(mcp_said(allowed, "Access-Control-Allow-Headers") == "authorization,content-type,mcp-session-id");
    CHECK(mcp_said(allowed, "Access-Control-Allow-Credentials").empty());
    CHECK(f.status(with_token, "/mcp", "POST") == 401);
    CHECK(f.status({}, "/mcp", "OPTIONS") == 401);
    const auto refused = f.ask({{"Origin", "https://app.example"}}).response;
    CHECK(mcp_said(refused, "Access-Control-Allow-Origin") == "*");
    CHECK(mcp_said(refused, "Access-Control-Expose-Headers").find("WWW-Authenticate") != std::string::npos);
    CHECK(mcp_said(f.ask({}).response, "Access-Control-Allow-Origin").empty());
}

TEST_CASE("the visitor's credentials go no further") {
    std::vector<wire::field> fields{{"Authorization", "Bearer x"}, {"Accept", "*/*"}, {"authorization", "Basic y"}};
    mcp_guard::hide(fields);
    REQUIRE(fields.size() == 1);
    CHECK(fields[0].name == "Accept");
}
