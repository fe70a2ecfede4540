#include "metadata.hpp"

#include <algorithm>

#include "endpoint_url.hpp"
#include "id_token.hpp"
#include "json_text.hpp"

namespace instatunnel::oidc {
namespace {

using nlohmann::json;

failure wrong(const provider_settings& settings, const std::string& why) {
    return {errc::unexpected_reply, "The metadata of " + settings.name + " cannot be used: " + why,
            "Check the issuer of --oidc"};
}

bool holds(const std::vector<std::string>& list, std::string_view word) {
    return std::ranges::find(list, word) != list.end();
}

// Basic is the default, and what is taken if both are offered: a header is in fewer logs than a body.
outcome<client_authentication> choose_authentication(const json& document, const provider_settings& settings) {
    if (settings.client_secret.empty()) return client_authentication::none;
    const auto methods = texts_of(document, "token_endpoint_auth_methods_supported");
    if (!methods) return wrong(settings, "token_endpoint_auth_methods_supported is not a list of texts");
    if (methods->empty() || holds(*methods, "client_secret_basic")) return client_authentication::basic;
    if (holds(*methods, "client_secret_post")) return client_authentication::post;
    return wrong(settings, "it takes a client's secret in no way that is known here");
}

outcome<void> check_algorithms(const json& document, const provider_settings& settings) {
    const auto offered = texts_of(document, "id_token_signing_alg_values_supported");
    if (!offered) return wrong(settings, "id_token_signing_alg_values_supported is not a list of texts");
    if (offered->empty() || std::ranges::any_of(*offered, is_known_algorithm)) return {};
    return wrong(settings, "it signs with no algorithm that is known here (RS256, PS256, ES256)");
}

}  // namespace

std::string metadata_url(const std::string& issuer) {
    const auto end = issuer.ends_with('/') ? issuer.size() - 1 : issuer.size();
    return issuer.substr(0, end) + "/.well-known/openid-configuration";
}

outcome<provider_metadata> read_metadata(std::string_view text, const provider_settings& settings) {
    const auto document = parse_object(text);
    if (!document) return wrong(settings, "they are no JSON object");
    if (text_of(*document, "issuer") != settings.issuer) return wrong(settings, "they are of another issuer");
    provider_metadata m;
    m.authorization_endpoint = text_of(*document, "authorization_endpoint");
    m.token_endpoint = text_of(*document, "token_endpoint");
    m.jwks_uri = text_of(*document, "jwks_uri");
    m.userinfo_endpoint = text_of(*document, "userinfo_endpoint");
    for (const auto* endpoint : {&m.authorization_endpoint, &m.token_endpoint, &m.jwks_uri})
        if (!is_endpoint(*endpoint, settings.transport)) return wrong(settings, "an endpoint is missing or not https");
    if (!m.userinfo_endpoint.empty() && !is_endpoint(m.userinfo_endpoint, settings.transport))
        return wrong(settings, "an endpoint is missing or not https");
    if (auto usable = check_algorithms(*document, settings); !usable) return usable.error();
    auto authentication = choose_authentication(*document, settings);
    if (!authentication) return authentication.error();
    m.authentication = *authentication;
    const auto promise = document->find("authorization_response_iss_parameter_supported");
    m.promises_iss = promise != document->end() && promise->is_boolean() && promise->get<bool>();
    return m;
}

}  // namespace instatunnel::oidc
