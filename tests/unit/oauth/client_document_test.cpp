#include "instatunnel/oauth/client_document.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace instatunnel;
using namespace instatunnel::oauth;
using namespace std::chrono_literals;

namespace {

const std::string url = "https://app.example.com/oauth/client.json";
const wall_time now{std::chrono::seconds(1'800'000'000)};

/// A good document; of two members with one name the last one counts, so `more` may also replace.
std::string document(const std::string& more = "") {
    return R"({"client_id":")" + url + R"(","client_name":"Example","redirect_uris":["https://app.example.com/cb"])" +
           (more.empty() ? "" : "," + more) + "}";
}

answer<store::oauth_client> read(const std::string& json) {
    return read_client_document(url, json, now);
}

std::string why(const answer<store::oauth_client>& r) {
    return r ? "accepted" : r.error().error + ": " + r.error().description;
}

std::string unusable(const std::string& reason) {
    return "invalid_client_metadata: The client's document is not usable: " + reason;
}

using texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a client id that is an https URL with a path may be fetched from", "[oauth]") {
    for (const std::string id :
         {"https://app.example.com/client.json", "https://app.example.com/", "https://app.example.com:8443/a/b",
          "https://APP.example.com/c", "https://localhost/c", "https://192.0.2.1/c", "https://[2001:db8::1]:8443/c",
          "https://app.example.com/a.b/..c/...", "https://app.example.com/c?v=2", "https://app.example.com/c?a=/../b",
          "https://app.example.com/%41", "https://xn--bcher-kva.example/c"}) {
        INFO(id);
        CHECK(check_client_document_url(id).has_value());
        CHECK(is_client_document_id(id));
    }
    CHECK(check_client_document_url("https://a.example/" + std::string(2048 - 18, 'x')).has_value());
    CHECK_FALSE(is_client_document_id("client_0123456789"));
}

TEST_CASE("a client id that is no such URL is refused, with the reason", "[oauth]") {
    const auto [id, reason] = GENERATE(table<std::string, std::string>({
        {"", "it does not begin with https://"},
        {"http://app.example.com/c", "it does not begin with https://"},
        {"HTTPS://app.example.com/c", "it does not begin with https://"},
        {"https:/app.example.com/c", "it does not begin with https://"},
        {"javascript:https://app.example.com/c", "it does not begin with https://"},
        {" https://app.example.com/c", "it does not begin with https://"},
        {"https://a.example/" + std::string(2048 - 17, 'x'), "it is longer than 2,048 bytes"},
        {"https://app.example.com/a b", "it holds characters that no address has"},
        {"https://app.example.com/a\tb", "it holds characters that no address has"},
        {std::string("https://app.example.com/a\0b", 27), "it holds characters that no address has"},
        {"https://app.example.com\\@evil.example/c", "it holds characters that no address has"},
        {"https://app.example.com/<b>", "it holds characters that no address has"},
        {"https://b\xc3\xbc"
         "cher.example/c",
         "it holds characters that no address has"},
        {"https://app.example.com/c#", "it has a fragment"},
        {"https://app.example.com/c#f", "it has a fragment"},
        {"https://user@app.example.com/c", "it has a user part"},
        {"https://user:pw@app.example.com/c", "it has a user part"},
        {"https:///c", "its host or port is not well written"},
        {"https://:443/c", "its host or port is not well written"},
        {"https://app.example.com:/c", "its host or port is not well written"},
        {"https://app.example.com:0/c", "its host or port is not well written"},
        {"https://app.example.com:65536/c", "its host or port is not well written"},
        {"https://app.example.com:4x/c", "its host or port is not well written"},
        {"https://app..example.com/c", "its host or port is not well written"},
        {"https://.example.com/c", "its host or port is not well written"},
        {"https://app.example.com%2eevil.example/c", "its host or port is not well written"},
        {"https://[::1/c", "its host or port is not well written"},
        {"https://[::1]x/c", "its host or port is not well written"},
        {"https://[v1.x]/c", "its host or port is not well written"},
        {"https://" + std::string(254, 'a') + "/c", "its host or port is not well written"},
        {"https://app.example.com", "it has no path"},
        {"https://app.example.com?c", "it has no path"},
        {"https://app.example.com/./c", "its path has dot segments"},
        {"https://app.example.com/a/../c", "its path has dot segments"},
        {"https://app.example.com/a/..", "its path has dot segments"},
        {"https://app.example.com/.", "its path has dot segments"},
        {"https://app.example.com/..?c", "its path has dot segments"},
        {"https://app.example.com/a/%2E%2e/c", "its path has dot segments"},
        {"https://app.example.com/a/.%2e/c", "its path has dot segments"},
    }));
    INFO(id);
    const auto checked = check_client_document_url(id);
    REQUIRE(checked.has_error());
    CHECK(checked.error().error == "invalid_client");
    CHECK(checked.error().description == "client_id is no address of a client's document: " + reason);
}

TEST_CASE("a document makes a public client", "[oauth]") {
    const auto client = read(document());
    REQUIRE(client.has_value());
    CHECK(client->id == url);
    CHECK(client->origin == store::client_origin::document);
    CHECK(client->name == "Example");
    CHECK(client->secret_digest.empty());
    CHECK(client->account_id.empty());
    CHECK(client->user_id.empty());
    CHECK(client->redirect_uris == texts{"https://app.example.com/cb"});
    CHECK(client->grants == texts{"authorization_code", "refresh_token"});
    CHECK(client->scopes.empty());
    CHECK(client->uri.empty());
    CHECK(client->created_at == now);
    CHECK(client->fetched_at == now);
}

TEST_CASE("what a document says is taken over as far as this server knows it", "[oauth]") {
    const auto full = read(document(
        R"("token_endpoint_auth_method":"none","client_uri":"https://app.example.com/about",)"
        R"("grant_types":["authorization_code","client_credentials","urn:ietf:params:oauth:grant-type:jwt-bearer"],)"
        R"("response_types":["code","code id_token"],"scope":"openid tunnels:read  tunnels:* tunnels:read",)"
        R"j("logo_uri":"javascript:alert(1)","tos_uri":7,"x":{"y":[1,null]})j"));
    REQUIRE(full.has_value());
    CHECK(full->uri == "https://app.example.com/about");
    CHECK(full->grants == texts{"authorization_code"});
    CHECK(full->scopes == texts{"tunnels:read", "tunnels:*"});
}

TEST_CASE("a home page elsewhere is not linked to", "[oauth]") {
    for (const std::string page : {"https://bank.example/", "http://app.example.com/", "https://app.example.com.evil/",
                                   "https://app.example.com:444/", "https://app.example.com@evil.example/",
                                   "https://app.example.com/#f", "javascript:x"}) {
        const auto client = read(document(R"("client_uri":")" + page + "\""));
        REQUIRE(client.has_value());
        CHECK(client->uri.empty());
    }
}

TEST_CASE("a client without a name is called by its host", "[oauth]") {
    const auto id = std::string("https://app.example.com:8443/c");
    const auto client =
        read_client_document(id, R"({"client_id":")" + id + R"(","redirect_uris":["http://127.0.0.1/cb"]})", now);
    REQUIRE(client.has_value());
    CHECK(client->name == "app.example.com:8443");
}

TEST_CASE("a client for devices needs no redirect address", "[oauth]") {
    const auto json = R"({"client_id":")" + url +
                      R"(","grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"]})";
    const auto client = read(json);
    REQUIRE(client.has_value());
    CHECK(client->redirect_uris.empty());
    CHECK(client->grants == texts{"refresh_token", "urn:ietf:params:oauth:grant-type:device_code"});
}

TEST_CASE("a document that is not usable is refused, with the reason", "[oauth]") {
    const auto member = [](const std::string& text) { return document(text); };
    const std::string name_rule = "client_name must have 1 to 120 bytes and no control characters";
    const std::string method_rule =
        "token_endpoint_auth_method must be none: this server takes public clients only in this way";
    const auto [json, reason] = GENERATE_COPY(table<std::string, std::string>({
        {"", "it is no JSON object"},
        {"[]", "it is no JSON object"},
        {"\"x\"", "it is no JSON object"},
        {document() + "x", "it is no JSON object"},
        {document().substr(0, 60), "it is no JSON object"},
        {"<html></html>", "it is no JSON object"},
        {std::string(2000, '['), "it is no JSON object"},
        {"{\"client_id\":\"\xff\"}", "it is no JSON object"},
        {document() + std::string(5120, ' '), "it is larger than 5 KiB"},
        {"{}", "client_id is not the address that it was fetched from"},
        {member(R"("client_id":7)"), "client_id is not text"},
        {member(R"("client_id":"https://app.example.com/oauth/client.json?")"),
         "client_id is not the address that it was fetched from"},
        {member(R"("client_id":"https://app.example.com:443/oauth/client.json")"),
         "client_id is not the address that it was fetched from"},
        {member(R"("client_id":"https://app.example.com/oauth/Client.json")"),
         "client_id is not the address that it was fetched from"},
        {member(R"("client_id":"https://app.example.com/oauth/client.json\u0000")"),
         "client_id is not the address that it was fetched from"},
        {member(R"("client_secret":"x")"), "client_secret must not be in it"},
        {member(R"("client_secret":null)"), "client_secret must not be in it"},
        {member(R"("client_secret_expires_at":0)"), "client_secret_expires_at must not be in it"},
        {member(R"("token_endpoint_auth_method":"client_secret_basic")"), method_rule},
        {member(R"("token_endpoint_auth_method":"client_secret_post")"), method_rule},
        {member(R"("token_endpoint_auth_method":"client_secret_jwt")"), method_rule},
        {member(R"("token_endpoint_auth_method":"private_key_jwt")"), method_rule},
        {member(R"("token_endpoint_auth_method":["none"])"), "token_endpoint_auth_method is not text"},
        {member(R"("client_name":7)"), "client_name is not text"},
        {member(R"("client_name":"a\nb")"), name_rule},
        {member(R"("client_name":"a\u202eb")"), name_rule},
        {member(R"("client_name":"a\u200bb")"), name_rule},
        {member(R"("client_name":")" + std::string(121, 'x') + "\""), name_rule},
        {member(R"("client_name":"it_0123456789abcdef")"), name_rule},
        {member(R"("client_uri":{})"), "client_uri is not text"},
        {member(R"("grant_types":"authorization_code")"), "grant_types is not a list of texts"},
        {member(R"("grant_types":[1])"), "grant_types is not a list of texts"},
        {member(R"("grant_types":[])"), "grant_types names neither authorization_code nor the device grant"},
        {member(R"("grant_types":["refresh_token"])"),
         "grant_types names neither authorization_code nor the device grant"},
        {member(R"("grant_types":["client_credentials"])"),
         "grant_types names neither authorization_code nor the device grant"},
        {member(R"("response_types":["token"])"), "response_types does not name code"},
        {member(R"("response_types":"code")"), "response_types is not a list of texts"},
        {member(R"("redirect_uris":"https://app.example.com/cb")"), "redirect_uris is not a list of texts"},
        {member(R"("redirect_uris":[null])"), "redirect_uris is not a list of texts"},
        {member(R"("scope":["tunnels:read"])"), "scope is not text"},
        {member(R"("scope":"openid profile")"), "scope holds none that this server knows"},
        {member(R"("scope":"")"), "scope holds none that this server knows"},
        {member(R"("scope":")" + std::string(1025, 'x') + "\""), "scope is longer than 1,024 bytes"},
    }));
    INFO(json);
    CHECK(why(read(json)) == unusable(reason));
}

TEST_CASE("a redirect address that is not usable refuses the document", "[oauth]") {
    for (const std::string uri :
         {"http://app.example.com/cb", "https://app.example.com/cb#f", "https://*.example.com/cb",
          "https://a@app.example.com/cb", "javascript:alert(1)", "data:text/html,x", "app:/cb", "", "/cb"}) {
        INFO(uri);
        const auto client = read(document(R"("redirect_uris":["https://app.example.com/cb",")" + uri + R"("])"));
        REQUIRE(client.has_error());
        CHECK(client.error().error == "invalid_redirect_uri");
    }
    CHECK(why(read(document(R"("redirect_uris":[])"))) ==
          "invalid_redirect_uri: The client's document is not usable: redirect_uris is missing or empty");
    std::string many = R"("redirect_uris":["https://app.example.com/cb")";
    for (int i = 0; i < 16; ++i)
        many += R"(,"https://app.example.com/cb")";
    CHECK(why(read(document(many + "]"))) ==
          "invalid_redirect_uri: The client's document is not usable: at most 16 redirect addresses are allowed");
}

TEST_CASE("a document for an id that is no URL of one is refused", "[oauth]") {
    const std::string id = "https://app.example.com";
    const auto client = read_client_document(id, R"({"client_id":")" + id + "\"}", now);
    REQUIRE(client.has_error());
    CHECK(client.error().error == "invalid_client");
}

TEST_CASE("a document is good for as long as it says, between five minutes and a day", "[oauth]") {
    const auto [field, life] = GENERATE(table<std::string, std::chrono::seconds>({
        {"", 1h},
        {"public", 1h},
        {"max-age=600", 10min},
        {"Max-Age=600", 10min},
        {"public, max-age=\"600\" , must-revalidate", 10min},
        {" max-age = 600 ", 10min},
        {"max-age=300", 5min},
        {"max-age=299", 5min},
        {"max-age=0", 5min},
        {"max-age=86400", 24h},
        {"max-age=86401", 24h},
        {"max-age=99999999999999999999999999999999999999", 24h},
        {"max-age=-5", 5min},
        {"max-age=", 5min},
        {"max-age", 5min},
        {"max-age=1e5", 5min},
        {"max-age=\"", 5min},
        {"max-age=7200, max-age=3600", 1h},
        {"max-age=7200, no-store", 5min},
        {"no-cache", 5min},
        {"no-cache=\"set-cookie\", max-age=7200", 5min},
        {"s-maxage=600", 1h},
        {"x-max-age=600", 1h},
        {",,,", 1h},
    }));
    INFO(field);
    CHECK(client_document_life(field) == life);
}
