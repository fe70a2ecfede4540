#include <algorithm>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/oauth/authorization.hpp"
#include "instatunnel/oauth/tokens.hpp"

namespace instatunnel::oauth {
namespace {

exchange_outcome no(refusal why) {
    return {std::move(why), {}, {}, {}};
}

exchange_outcome bad_grant(const char* description) {
    return no({"invalid_grant", description});
}

// RFC 6749 §4.1.3 and RFC 7636 §4.6; nullopt: all of it fits.
std::optional<refusal> mismatch(const store::oauth_client& client, const store::oauth_code& code, const form& body) {
    if (code.client_id != client.id) return refusal{"invalid_grant", "The code was made for another client"};
    const auto redirect = body.find("redirect_uri");
    const bool may_leave_out = !code.redirect_given || !is_public(client);
    if (redirect ? *redirect != code.redirect_uri : !may_leave_out)
        return refusal{"invalid_grant", "redirect_uri is not the one of the authorization request"};
    const auto verifier = body.value("code_verifier");
    // A verifier for a code without a challenge: somebody took the challenge out on the way (RFC 9700 §4.8.2).
    if (code.challenge.empty() != verifier.empty())
        return refusal{"invalid_grant", code.challenge.empty() ? "The code was made without code_challenge"
                                                               : "code_verifier is missing"};
    if (!verifier.empty() &&
        (!auth::is_code_verifier(verifier) || !constant_time_equal(auth::code_challenge(verifier), code.challenge)))
        return refusal{"invalid_grant", "code_verifier does not belong to the code_challenge"};
    return std::nullopt;
}

// A token endpoint may narrow the audience, never change it (RFC 8707 §2.2).
bool is_same_resource(const form& body, const std::string& granted, const server_settings& settings) {
    if (!body.find("resource")) return true;
    const auto asked = canonical_resource(body.value("resource"), settings);
    return asked && *asked == granted;
}

exchange_outcome repeated() {
    return no({"invalid_request", "A parameter was sent twice"});
}

template <class Record>
token_subject subject_of(const Record& from) {
    return {from.client_id, from.user_id, from.account_id, from.grant_id, from.family_id, from.resource, from.scopes};
}

}  // namespace

exchange_outcome token_endpoint::replayed(std::string_view family_id, std::string_view account_id,
                                          const char* description) {
    auto ended = store_.revoke_family(family_id, settings_.now());
    if (!ended) return no(unavailable());
    return {refusal{"invalid_grant", description}, std::move(*ended), std::string(family_id), std::string(account_id)};
}

exchange_outcome token_endpoint::exchange_code(const store::oauth_client& client, const form& body) {
    if (body.has_repeated_name()) return repeated();
    const auto code = body.value("code");
    if (code.empty()) return no({"invalid_request", "code is missing"});
    const auto now = settings_.now();
    exchange_outcome done = bad_grant("The code is not known, has expired or was used before");
    std::string family_to_end;
    std::string account;
    auto stored = store_.atomically([&]() -> outcome<void> {
        auto used = store_.use_code(settings_.digest(code), now);
        if (!used) return used.error();
        if (!*used) return {};
        const auto& record = (*used)->record;
        // Whoever is second may be the thief or the owner: nobody keeps the tokens (RFC 6749 §4.1.2).
        if (!(*used)->first) family_to_end = record.client_id == client.id ? record.family_id : std::string();
        account = record.account_id;
        if (!(*used)->first || record.expires_at <= now) return {};
        if (auto wrong = mismatch(client, record, body)) {
            done = no(std::move(*wrong));
            return {};
        }
        if (!is_same_resource(body, record.resource, settings_)) {
            done = no({"invalid_target", "resource is not the one of the authorization request"});
            return {};
        }
        auto made = book_.issue(subject_of(record), may_use(client, grant_refresh));
        if (!made) return made.error();
        done.result = std::move(*made);
        return {};
    });
    if (!stored) return no(unavailable());
    if (!family_to_end.empty())
        return replayed(family_to_end, account, "The code was used before: its tokens have ended");
    return done;
}

exchange_outcome token_endpoint::refresh(const store::oauth_client& client, const form& body) {
    if (body.has_repeated_name()) return repeated();
    const auto token = body.value("refresh_token");
    if (token.empty()) return no({"invalid_request", "refresh_token is missing"});
    const auto now = settings_.now();
    const auto known = store_.find_oauth_token(settings_.digest(token));
    if (!known) return no(unavailable());
    if (!*known || (*known)->kind != store::oauth_token_kind::refresh || (*known)->client_id != client.id ||
        (*known)->revoked_at || (*known)->expires_at <= now)
        return bad_grant("The refresh token is not known, has expired or was revoked");
    auto subject = subject_of(**known);
    if (!is_same_resource(body, subject.resource, settings_))
        return no({"invalid_target", "resource is not the one that was granted"});
    // RFC 6749 §6: the same or less. At a tunnel there is only one scope.
    if (const auto scope = body.value("scope"); !scope.empty()) {
        auto asked = parse_client_scopes(scope);
        if (asked) std::erase(*asked, std::string(auth::mcp_scope));
        const bool is_more =
            asked && subject.resource.empty() && std::ranges::any_of(*asked, [&](const std::string& one) {
                return auth::first_missing(subject.scopes, one).has_value();
            });
        if (!asked || is_more) return no({"invalid_scope", "scope holds more than was granted"});
        if (!asked->empty() && subject.resource.empty()) subject.scopes = std::move(*asked);
    }
    exchange_outcome done = bad_grant("The refresh token was used before");
    bool reused = false;
    auto stored = store_.atomically([&]() -> outcome<void> {
        auto used = store_.use_refresh_token((*known)->digest, now);
        if (!used) return used.error();
        reused = !*used || !(*used)->first;
        if (reused) return {};
        auto made = book_.issue(subject, /*with_refresh=*/true);
        if (!made) return made.error();
        done.result = std::move(*made);
        return {};
    });
    if (!stored) return no(unavailable());
    if (reused)
        return replayed(subject.family_id, subject.account_id,
                        "The refresh token was used before: its tokens have ended");
    return done;
}

exchange_outcome token_endpoint::client_credentials(const store::oauth_client& client, const form& body) {
    if (body.has_repeated_name()) return repeated();
    if (is_public(client) || client.account_id.empty() || !may_use(client, grant_client))
        return no({"unauthorized_client", "This client may not act for itself"});
    auto resource = canonical_resource(body.value("resource"), settings_);
    if (!resource) return no({"invalid_target", "resource is not an address of this service"});
    auto scopes = requested_scopes(client, body.value("scope"), *resource);
    if (!scopes) return no({"invalid_scope", "scope holds one that is not known, or that this client may not ask for"});
    const token_subject subject{client.id, client.user_id,    client.account_id, {}, auth::make_id("family"),
                                *resource, std::move(*scopes)};
    // RFC 6749 §4.4.3: it can ask again at any time, so it gets no refresh token.
    auto made = book_.issue(subject, /*with_refresh=*/false);
    if (!made) return no(unavailable());
    return {std::move(*made), {}, {}, {}};
}

}  // namespace instatunnel::oauth
