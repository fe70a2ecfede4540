#include "oidc/metadata.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::oidc;
using nlohmann::json;

namespace {

const json good{{"issuer", "https://id.example.com"},
                {"authorization_endpoint", "https://id.example.com/a"},
                {"token_endpoint", "https://id.example.com/t"},
                {"jwks_uri", "https://keys.example.com/k"}};

outcome<provider_metadata> read(const json& document, const char* client_secret = "x",
                                transport_rule transport = transport_rule::https_only) {
    provider_settings s;
    s.issuer = document.value("issuer", json("")) == "http://localhost:9" ? "http://localhost:9" : good["issuer"];
    s.client_secret = secret(client_secret);
    s.name = "Example";
    s.transport = transport;
    return read_metadata(document.dump(), s);
}

json with(const char* name, const json& value) {
    auto document = good;
    document[name] = value;
    return document;
}

}  // namespace

TEST_CASE("metadata lie below the issuer, whose path stays", "[oidc]") {
    CHECK(metadata_url("https://id.example.com") == "https://id.example.com/.well-known/openid-configuration");
    CHECK(metadata_url("https://id.example.com/") == "https://id.example.com/.well-known/openid-configuration");
    CHECK(metadata_url("https://id.example.com/a/b") == "https://id.example.com/a/b/.well-known/openid-configuration");
}

TEST_CASE("metadata with what is needed are taken", "[oidc]") {
    const auto m = read(good);
    REQUIRE(m);
    CHECK(m->authorization_endpoint == "https://id.example.com/a");
    CHECK(m->token_endpoint == "https://id.example.com/t");
    CHECK(m->jwks_uri == "https://keys.example.com/k");
    CHECK(m->userinfo_endpoint.empty());
    CHECK(m->authentication == client_authentication::basic);
    CHECK_FALSE(m->promises_iss);
    CHECK(read(good, "")->authentication == client_authentication::none);
    CHECK(read(with("authorization_response_iss_parameter_supported", true))->promises_iss);
    CHECK_FALSE(read(with("authorization_response_iss_parameter_supported", "true"))->promises_iss);
}

TEST_CASE("metadata that would send us elsewhere or cannot work are refused, with the reason", "[oidc]") {
    const std::string endpoint = "an endpoint is missing or not https";
    const auto [document, reason] = GENERATE_COPY(table<json, std::string>({
        {json::array(), "they are no JSON object"},
        {json("x"), "they are no JSON object"},
        {with("issuer", "https://id.example.com/"), "they are of another issuer"},
        {with("issuer", "https://ID.example.com"), "they are of another issuer"},
        {with("issuer", "https://evil.example"), "they are of another issuer"},
        {with("issuer", json()), "they are of another issuer"},
        {with("authorization_endpoint", "http://id.example.com/a"), endpoint},
        {with("authorization_endpoint", "javascript:alert(1)"), endpoint},
        {with("authorization_endpoint", json()), endpoint},
        {with("token_endpoint", "http://localhost/t"), endpoint},
        {with("token_endpoint", "https://a@id.example.com/t"), endpoint},
        {with("token_endpoint", "https://id.example.com/t#f"), endpoint},
        {with("token_endpoint", "file:///etc/passwd"), endpoint},
        {with("jwks_uri", ""), endpoint},
        {with("jwks_uri", "com.example:/k"), endpoint},
        {with("userinfo_endpoint", "http://id.example.com/u"), endpoint},
        {with("token_endpoint_auth_methods_supported", json{"private_key_jwt"}),
         "it takes a client's secret in no way that is known here"},
        {with("token_endpoint_auth_methods_supported", 7),
         "token_endpoint_auth_methods_supported is not a list of texts"},
        {with("id_token_signing_alg_values_supported", json{"HS256", "none"}),
         "it signs with no algorithm that is known here (RS256, PS256, ES256)"},
        {with("id_token_signing_alg_values_supported", json{1}),
         "id_token_signing_alg_values_supported is not a list of texts"},
    }));
    INFO(document.dump());
    const json copy = document;
    provider_settings s;
    s.issuer = "https://id.example.com";
    s.client_secret = secret("x");
    s.name = "Example";
    const auto m = read_metadata(copy.dump(), s);
    REQUIRE_FALSE(m);
    CHECK(m.error().code == errc::unexpected_reply);
    CHECK(m.error().what() == "The metadata of Example cannot be used: " + reason);
}

TEST_CASE("endpoints on this machine may be http where that is allowed", "[oidc]") {
    const json local{{"issuer", "http://localhost:9"},
                     {"authorization_endpoint", "http://localhost:9/a"},
                     {"token_endpoint", "http://127.0.0.1:9/t"},
                     {"jwks_uri", "http://[::1]:9/k"}};
    CHECK(read(local, "", transport_rule::or_loopback));
    CHECK_FALSE(read(local, "", transport_rule::https_only));
    auto far = local;
    far["token_endpoint"] = "http://id.example.com/t";
    CHECK_FALSE(read(far, "", transport_rule::or_loopback));
}
