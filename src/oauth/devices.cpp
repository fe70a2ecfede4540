#include "instatunnel/oauth/devices.hpp"

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/user_code.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/oauth/authorization.hpp"

namespace instatunnel::oauth {
namespace {

constexpr std::size_t device_characters = 40;
constexpr std::int64_t slower_by_s = 5;
constexpr std::int64_t slowest_s = 120;
// 34 random bits: two tries that meet codes in use mean that something else is wrong.
constexpr int user_code_tries = 4;

exchange_outcome no(const char* error, const char* description) {
    return {refusal{error, description}, {}, {}, {}};
}

}  // namespace

answer<device_answer> device_endpoint::begin(const store::oauth_client& client, const form& body,
                                             const std::string& address) {
    if (!may_use(client, grant_device)) return refusal{"unauthorized_client", "This client may not use device codes"};
    auto resource = canonical_resource(body.value("resource"), settings_);
    if (!resource) return refusal{"invalid_target", "resource is not an address of this service"};
    auto scopes = requested_scopes(client, body.value("scope"), *resource);
    if (!scopes)
        return refusal{"invalid_scope", "scope holds one that is not known, or that this client may not ask for"};
    device_answer made;
    made.device_code = secret("itd_" + random_base62(device_characters));
    made.expires_in = settings_.device_life;
    store::device_request request;
    request.device_digest = settings_.digest(made.device_code.reveal());
    request.client_id = client.id;
    request.client_name = client.name;
    request.resource = *resource;
    request.scopes = std::move(*scopes);
    request.address = address;
    request.created_at = settings_.now();
    request.expires_at = request.created_at + settings_.device_life;
    made.interval = std::chrono::seconds(request.interval_s);
    for (int i = 0; i < user_code_tries; ++i) {
        made.user_code = auth::make_user_code();
        request.user_code_digest = settings_.digest(made.user_code);
        auto stored = store_.add_device_request(request);
        if (stored) return made;
        if (stored.error().code != errc::already_exists) break;
    }
    return unavailable();
}

exchange_outcome device_endpoint::poll(const store::oauth_client& client, const form& body) {
    const auto code = body.value("device_code");
    if (code.empty()) return no("invalid_request", "device_code is missing");
    auto found = store_.find_device_request(settings_.digest(code));
    if (!found) return {unavailable(), {}, {}, {}};
    if (!*found || (*found)->client_id != client.id)
        return no("invalid_grant", "The device code is not known, or was used before");
    auto& request = **found;
    const auto now = settings_.now();
    if (request.expires_at <= now) return no("expired_token", "The device code has expired: ask for a new one");
    if (request.approved_at || request.denied_at) return decided(request, client);
    const bool too_soon =
        request.last_poll_at && now - *request.last_poll_at < std::chrono::seconds(request.interval_s);
    if (too_soon) request.interval_s = std::min(request.interval_s + slower_by_s, slowest_s);
    request.last_poll_at = now;
    if (!store_.update_device_request(request)) return {unavailable(), {}, {}, {}};
    if (too_soon) return no("slow_down", "Wait 5 seconds longer between two tries than before");
    return no("authorization_pending", "The person has not decided yet");
}

exchange_outcome device_endpoint::decided(store::device_request& request, const store::oauth_client& client) {
    exchange_outcome done = no("access_denied", "The person said no");
    auto stored = store_.atomically([&]() -> outcome<void> {
        if (auto removed = store_.remove_device_request(request.device_digest); !removed) return removed;
        if (request.denied_at) return {};
        const token_subject subject{client.id,        request.user_id,         request.account_id,
                                    request.grant_id, auth::make_id("family"), request.resource,
                                    request.scopes};
        auto made = book_.issue(subject, may_use(client, grant_refresh));
        if (!made) return made.error();
        done.result = std::move(*made);
        return {};
    });
    if (!stored) return {unavailable(), {}, {}, {}};
    return done;
}

outcome<std::optional<store::device_request>> device_endpoint::find(std::string_view typed) {
    const auto code = auth::normalise_user_code(typed);
    if (!code) return std::optional<store::device_request>();
    auto found = store_.find_device_request_by_user_code(settings_.digest(*code));
    if (!found || !*found) return found;
    const auto& request = **found;
    if (request.expires_at <= settings_.now() || request.approved_at || request.denied_at)
        return std::optional<store::device_request>();
    return found;
}

outcome<void> device_endpoint::approve(const store::device_request& request, const store::oauth_client& client,
                                       const store::user& person) {
    return store_.atomically([&]() -> outcome<void> {
        auto grant = remember_consent(store_, settings_, person, client, request.scopes, request.resource);
        if (!grant) return grant.error();
        auto approved = request;
        approved.user_id = person.id;
        approved.account_id = person.account_id;
        approved.grant_id = *grant;
        approved.approved_at = settings_.now();
        return store_.update_device_request(approved);
    });
}

outcome<void> device_endpoint::deny(const store::device_request& request, const store::user& person) {
    auto denied = request;
    denied.user_id = person.id;
    denied.account_id = person.account_id;
    denied.denied_at = settings_.now();
    return store_.update_device_request(denied);
}

}  // namespace instatunnel::oauth
