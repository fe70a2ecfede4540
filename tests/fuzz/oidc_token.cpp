#include <string>

#include "invariant.hpp"
#include "oidc/id_token.hpp"
#include "oidc/metadata.hpp"

using namespace instatunnel;
using fuzz::require;

namespace {

// The public keys of two pairs whose private halves nobody kept.
constexpr const char* keys_json = R"({"keys":[
{"kty":"EC","crv":"P-256","kid":"ec-1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"},
{"kty":"RSA","kid":"rsa-1","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}]})";

oidc::id_token_rules rules() {
    oidc::id_token_rules r;
    r.issuer = "https://id.example.com";
    r.client_id = "client-1";
    r.nonce = "n-1";
    r.access_token = "at-1";
    r.now = wall_time(std::chrono::seconds(1'800'000'000));
    return r;
}

void read_token(std::string_view text) {
    static const auto keys = oidc::read_key_set(keys_json);
    require(keys.has_value() && keys->keys.size() == 2, "the keys are usable");
    require(!oidc::read_id_token(text, *keys, rules()), "nobody can sign for the provider");
}

void read_claims(std::string_view text) {
    const auto claims = oidc::read_claims(text, rules());
    if (!claims) return;
    require(!claims->subject.empty() && claims->subject.size() <= 255, "a subject is there and bounded");
    require(text.find("n-1") != std::string_view::npos || text.find('\\') != std::string_view::npos,
            "a token without our nonce is not accepted");
}

void read_keys(std::string_view text) {
    const auto set = oidc::read_key_set(text);
    if (!set) return;
    require(set->keys.size() <= 64, "keys are bounded");
    for (const auto& key : set->keys)
        require(key.key != nullptr && (key.type == "RSA" || key.type == "EC"), "every key is a public one");
}

void read_metadata(std::string_view text) {
    oidc::provider_settings settings;
    settings.issuer = "https://id.example.com";
    const auto metadata = oidc::read_metadata(text, settings);
    if (!metadata) return;
    for (const auto* url : {&metadata->authorization_endpoint, &metadata->token_endpoint, &metadata->jwks_uri})
        require(url->starts_with("https://"), "endpoints are https");
}

}  // namespace

// The first byte says what the rest is.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::steered_input input(data, size);
    const fuzz::exact_copy copy(input.text);
    switch (input.steer) {
        case 't':
            read_token(copy.view());
            break;
        case 'k':
            read_keys(copy.view());
            break;
        case 'm':
            read_metadata(copy.view());
            break;
        default:
            read_claims(copy.view());
    }
    return 0;
}
