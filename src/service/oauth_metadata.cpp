#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/encoding.hpp"
#include "oauth_routes.hpp"

namespace instatunnel::service {

// RFC 8414, with the members of RFC 7009, 7591, 7636, 7662, 8628, 9207 and of client ID metadata documents.
void oauth_routes::show_metadata(const call_ptr& c) {
    const auto& settings = parts_.oauth.settings;
    const auto endpoint = [&](const char* path) { return settings.issuer + "/v1/oauth/" + path; };
    nlohmann::ordered_json body;
    body["issuer"] = settings.issuer;
    body["authorization_endpoint"] = endpoint("authorize");
    body["token_endpoint"] = endpoint("token");
    body["device_authorization_endpoint"] = endpoint("device_authorization");
    body["introspection_endpoint"] = endpoint("introspect");
    body["revocation_endpoint"] = endpoint("revoke");
    if (settings.dynamic_registration) body["registration_endpoint"] = endpoint("register");
    body["jwks_uri"] = settings.issuer + "/.well-known/jwks.json";
    auto scopes = auth::full_scope_set();
    scopes.emplace_back(auth::mcp_scope);
    body["scopes_supported"] = scopes;
    body["response_types_supported"] = {"code"};
    body["response_modes_supported"] = {"query"};
    body["grant_types_supported"] = {oauth::grant_code, oauth::grant_refresh, oauth::grant_client, oauth::grant_device};
    body["code_challenge_methods_supported"] = {"S256"};
    body["token_endpoint_auth_methods_supported"] = {"client_secret_basic", "client_secret_post", "none"};
    body["revocation_endpoint_auth_methods_supported"] = {"client_secret_basic", "client_secret_post", "none"};
    body["introspection_endpoint_auth_methods_supported"] = {"client_secret_basic", "client_secret_post"};
    body["authorization_response_iss_parameter_supported"] = true;
    body["client_id_metadata_document_supported"] = settings.client_documents;
    body["service_documentation"] = settings.issuer + "/v1/openapi.json";
    c->reply(200, body);
}

// RFC 7517 and RFC 8037: what an app behind a tunnel checks X-Instatunnel-Identity with.
void oauth_routes::show_identity_keys(const call_ptr& c) {
    const auto& signer = parts_.visitors.signer();
    nlohmann::ordered_json key;
    key["kty"] = "OKP";
    key["crv"] = "Ed25519";
    key["x"] = to_base64url(signer.public_bytes());
    key["kid"] = signer.id();
    key["use"] = "sig";
    key["alg"] = "EdDSA";
    nlohmann::ordered_json body;
    body["keys"] = nlohmann::json::array();
    body["keys"].push_back(std::move(key));
    c->reply(200, body);
}

}  // namespace instatunnel::service
