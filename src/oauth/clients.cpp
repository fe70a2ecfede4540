#include "instatunnel/oauth/clients.hpp"

#include <algorithm>

#include "client_limits.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/oauth/authorization.hpp"

namespace instatunnel::oauth {
namespace {

constexpr std::size_t max_uri_bytes = 2048;
constexpr std::uint64_t max_dynamic_clients = 10000;
constexpr std::size_t max_clients_per_account = 100;

// Nothing about it is secret, so it needs no registration: whoever uses the id can only get a person's own consent.
store::oauth_client built_in_client() {
    store::oauth_client client;
    client.id = cli_client_id;
    client.name = "InstaTunnel command line";
    client.redirect_uris = {"http://127.0.0.1/cb", "http://[::1]/cb"};
    client.grants = {std::string(grant_code), std::string(grant_refresh), std::string(grant_device)};
    return client;
}

std::optional<std::string> decode_base64(std::string_view text) {
    while (text.ends_with('='))
        text.remove_suffix(1);
    std::string url(text);
    std::ranges::replace(url, '+', '-');
    std::ranges::replace(url, '/', '_');
    return from_base64url(url);
}

struct presented {
    std::string id;
    secret password;
    bool in_header = false;
};

// RFC 6749 §2.3.1: both parts are form-encoded inside of Basic. nullopt: not Basic credentials.
std::optional<presented> read_basic(std::string_view field) {
    constexpr std::string_view scheme = "basic ";
    if (field.size() <= scheme.size() || !iequals(field.substr(0, scheme.size()), scheme)) return std::nullopt;
    const auto text = decode_base64(trim(field.substr(scheme.size())));
    const auto colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) return std::nullopt;
    const auto id = form::parse("v=" + text->substr(0, colon));
    const auto password = form::parse("v=" + text->substr(colon + 1));
    if (!id || !password) return std::nullopt;
    return presented{std::string(id->value("v")), secret(std::string(password->value("v"))), true};
}

refusal unknown_client() {
    return {"invalid_client", "The client is unknown, or its secret is wrong", 401};
}

refusal bad_metadata(std::string why) {
    return {"invalid_client_metadata", std::move(why)};
}

std::optional<refusal> check(const new_client& asked, const std::vector<std::string>& grants, bool owned) {
    if (!auth::is_display_name(asked.name))
        return bad_metadata("client_name must have 1 to 120 bytes and no control characters");
    if (!asked.uri.empty() && (!asked.uri.starts_with("https://") || asked.uri.size() > max_uri_bytes ||
                               !auth::check_redirect_uri(asked.uri)))
        return bad_metadata("client_uri must be an https address");
    for (const auto& grant : grants)
        if (grant != grant_code && grant != grant_refresh && grant != grant_client && grant != grant_device)
            return bad_metadata("grant_types holds one that this server does not know");
    const bool acts_for_itself = std::ranges::find(grants, grant_client) != grants.end();
    if (acts_for_itself && (!asked.confidential || !owned))
        return bad_metadata("client_credentials is for confidential clients of an account");
    if (asked.redirect_uris.size() > max_redirect_uris)
        return refusal{"invalid_redirect_uri", "At most 16 redirect addresses are allowed"};
    if (asked.redirect_uris.empty() && std::ranges::find(grants, grant_code) != grants.end())
        return refusal{"invalid_redirect_uri", "authorization_code takes at least one of redirect_uris"};
    for (const auto& uri : asked.redirect_uris)
        if (auto usable = auth::check_redirect_uri(uri); !usable)
            return refusal{"invalid_redirect_uri", std::string(usable.error().what())};
    if (!std::ranges::all_of(asked.scopes, is_client_scope)) return bad_metadata("scope holds one that is not known");
    return std::nullopt;
}

}  // namespace

bool may_use(const store::oauth_client& client, std::string_view grant) noexcept {
    return std::ranges::find(client.grants, grant) != client.grants.end();
}

outcome<std::optional<store::oauth_client>> client_registry::find(std::string_view id) {
    if (id == cli_client_id) return std::optional(built_in_client());
    if (id.empty() || id.size() > max_uri_bytes) return std::optional<store::oauth_client>();
    return store_.find_client(id);
}

answer<store::oauth_client> client_registry::authenticate(std::string_view authorization_field, const form& body) {
    auto given = read_basic(authorization_field);
    if (given && body.find("client_secret"))
        return refusal{"invalid_request", "The client's secret was sent twice: in the header and in the body"};
    if (given && body.find("client_id") && body.value("client_id") != given->id)
        return refusal{"invalid_request", "client_id is not the client of the Authorization field"};
    if (!given)
        given =
            presented{std::string(body.value("client_id")), secret(std::string(body.value("client_secret"))), false};
    if (given->id.empty()) return refusal{"invalid_request", "client_id is missing"};
    auto found = find(given->id);
    if (!found) return unavailable();
    // The digest is computed for unknown clients too: the time says nothing about which exist.
    const auto digest = settings_.digest(given->password.reveal());
    if (!*found) return unknown_client();
    if (is_public(**found)) {
        if (!given->password.empty()) return unknown_client();
        return std::move(**found);
    }
    if (!constant_time_equal(digest, (*found)->secret_digest)) return unknown_client();
    return std::move(**found);
}

answer<made_client> client_registry::add(const new_client& asked, store::client_origin origin,
                                         const std::optional<store::user>& owner) {
    made_client made;
    auto& record = made.record;
    record.grants = asked.grants;
    if (record.grants.empty()) record.grants = {std::string(grant_code), std::string(grant_refresh)};
    if (auto wrong = check(asked, record.grants, owner.has_value())) return *wrong;
    if (origin == store::client_origin::dynamic) {
        const auto known = store_.count_clients(origin);
        if (!known) return unavailable();
        if (*known >= max_dynamic_clients)
            return refusal{"temporarily_unavailable", "Too many clients have registered themselves here", 503};
    }
    if (owner) {
        const auto known = store_.list_clients(owner->account_id);
        if (!known) return unavailable();
        if (known->size() >= max_clients_per_account)
            return refusal{"access_denied", "The account has 100 clients already: remove one first", 403};
    }
    record.id = auth::make_id("client");
    record.origin = origin;
    if (owner) {
        record.account_id = owner->account_id;
        record.user_id = owner->id;
    }
    record.name = asked.name;
    record.uri = asked.uri;
    record.redirect_uris = asked.redirect_uris;
    record.scopes = asked.scopes;
    record.created_at = settings_.now();
    if (asked.confidential) {
        made.client_secret = secret("its_" + random_base62(40));
        record.secret_digest = settings_.digest(made.client_secret.reveal());
    }
    if (!store_.put_client(record)) return unavailable();
    return made;
}

}  // namespace instatunnel::oauth
