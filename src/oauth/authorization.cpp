#include "instatunnel/oauth/authorization.hpp"

#include <algorithm>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::oauth {
namespace {

constexpr std::size_t max_state_bytes = 2048;
constexpr std::size_t code_characters = 40;
// None of these may come twice (RFC 6749 §3.1): two readers could take different ones.
constexpr const char* single_parameters[] = {"client_id", "redirect_uri",   "response_type",         "scope",
                                             "state",     "code_challenge", "code_challenge_method", "resource",
                                             "prompt"};

std::string with_parameters(const std::string& address, const form& parameters) {
    return address + (address.find('?') == std::string::npos ? "?" : "&") + parameters.text();
}

// nullopt with the reason in `why`.
std::optional<std::string> redirect_for(const store::oauth_client& client, const form& query, std::string& why) {
    const auto given = query.find("redirect_uri");
    if (!given) {
        if (client.redirect_uris.size() == 1) return client.redirect_uris.front();
        why = "The address to return to (redirect_uri) is missing.";
        return std::nullopt;
    }
    for (const auto& known : client.redirect_uris)
        if (auth::is_same_redirect(known, *given)) return std::string(*given);
    why = "The address to return to (redirect_uri) is not one that this app registered.";
    return std::nullopt;
}

bool is_https_redirect(const authorization_request& request) {
    return request.redirect_uri.starts_with("https://");
}

}  // namespace

std::optional<std::string> canonical_resource(std::string_view text, const server_settings& settings) {
    if (text.empty()) return std::string();
    auto address = to_lower(text.substr(0, std::min(text.find('/', 8), text.size())));
    if (text.find('#') != std::string_view::npos || !address.starts_with("https://")) return std::nullopt;
    if (address == settings.issuer) return std::string();
    const auto host = address.substr(8, address.find(':', 8) - 8);
    const auto label = host.substr(0, host.find('.'));
    if (host != label + "." + settings.domain || !is_dns_label(label)) return std::nullopt;
    return "https://" + host;
}

outcome<read_request> authorization_endpoint::read(const form& query) {
    for (const char* name : single_parameters)
        if (query.count(name) > 1)
            return read_request(unsafe_request{std::string("The request has ") + name + " twice."});
    auto client = clients_.find(query.value("client_id"));
    if (!client) return client.error();
    if (!*client) return read_request(unsafe_request{"This app is not known here (client_id)."});
    authorization_request request;
    request.client = std::move(**client);
    std::string why;
    const auto redirect = redirect_for(request.client, query, why);
    if (!redirect) return read_request(unsafe_request{why});
    request.redirect_uri = *redirect;
    request.redirect_given = query.find("redirect_uri").has_value();
    request.state = query.value("state");
    const auto no = [&](const char* error, const std::string& description) {
        return read_request(redirected_refusal{refuse(request, error, description)});
    };
    if (request.state.size() > max_state_bytes) {
        request.state.clear();
        return no("invalid_request", "state is longer than 2048 bytes");
    }
    if (!may_use(request.client, grant_code)) return no("unauthorized_client", "This client may not ask for codes");
    if (query.value("response_type") != "code" && query.find("response_type"))
        return no("unsupported_response_type", "Only response_type=code is supported");
    const auto challenge = query.value("code_challenge");
    // RFC 7636 §4.3: a challenge without a method means "plain", which protects nobody.
    if (!challenge.empty() && query.value("code_challenge_method") != "S256")
        return no("invalid_request", "code_challenge_method must be S256");
    if (!challenge.empty() && !auth::is_code_challenge(challenge))
        return no("invalid_request", "code_challenge is not the base64url form of a SHA-256 digest");
    if (challenge.empty() && is_public(request.client))
        return no("invalid_request", "A public client must send code_challenge (PKCE, S256)");
    request.challenge = challenge;
    auto resource = canonical_resource(query.value("resource"), settings_);
    if (!resource) return no("invalid_target", "resource is not an address of this service");
    request.resource = std::move(*resource);
    auto scopes = requested_scopes(request.client, query.value("scope"), request.resource);
    if (!scopes) return no("invalid_scope", "scope holds one that is not known, or that this client may not ask for");
    request.scopes = std::move(*scopes);
    request.ask_again = query.value("prompt") == "consent";
    return read_request(std::move(request));
}

std::string authorization_endpoint::refuse(const authorization_request& request, const char* error,
                                           const std::string& description) const {
    form parameters;
    parameters.add("error", error).add("error_description", description);
    if (!request.state.empty()) parameters.add("state", request.state);
    parameters.add("iss", settings_.issuer);
    return with_parameters(request.redirect_uri, parameters);
}

std::string authorization_endpoint::deny(const authorization_request& request) const {
    return refuse(request, "access_denied", "The person said no");
}

outcome<bool> authorization_endpoint::is_granted(const store::user& person, const authorization_request& request) {
    if (request.ask_again) return false;
    if (is_public(request.client) && !is_https_redirect(request)) return false;
    auto known = store_.find_grant(person.id, request.client.id, request.resource);
    if (!known) return known.error();
    if (!*known) return false;
    return std::ranges::none_of(request.scopes, [&](const std::string& scope) {
        return auth::first_missing((*known)->scopes, scope).has_value();
    });
}

outcome<std::string> remember_consent(store::store& target, const server_settings& settings, const store::user& person,
                                      const store::oauth_client& client, const std::vector<std::string>& scopes,
                                      const std::string& resource) {
    store::oauth_grant grant;
    grant.id = auth::make_id("grant");
    grant.user_id = person.id;
    grant.account_id = person.account_id;
    grant.client_id = client.id;
    grant.client_name = client.name;
    grant.resource = resource;
    grant.scopes = scopes;
    grant.created_at = settings.now();
    auto kept = target.widen_grant(grant);
    if (!kept) return kept.error();
    return kept->id;
}

outcome<std::string> authorization_endpoint::approve(const store::user& person, const authorization_request& request) {
    const secret code("itc_" + random_base62(code_characters));
    const auto now = settings_.now();
    auto stored = store_.atomically([&]() -> outcome<void> {
        auto grant = remember_consent(store_, settings_, person, request.client, request.scopes, request.resource);
        if (!grant) return grant.error();
        store::oauth_code record;
        record.digest = settings_.digest(code.reveal());
        record.family_id = auth::make_id("family");
        record.grant_id = *grant;
        record.client_id = request.client.id;
        record.user_id = person.id;
        record.account_id = person.account_id;
        record.redirect_uri = request.redirect_uri;
        record.redirect_given = request.redirect_given;
        record.challenge = request.challenge;
        record.resource = request.resource;
        record.scopes = request.scopes;
        record.created_at = now;
        record.expires_at = now + settings_.code_life;
        return store_.add_code(record);
    });
    if (!stored) return stored.error();
    form parameters;
    parameters.add("code", std::string(code.reveal()));
    if (!request.state.empty()) parameters.add("state", request.state);
    parameters.add("iss", settings_.issuer);
    return with_parameters(request.redirect_uri, parameters);
}

}  // namespace instatunnel::oauth
