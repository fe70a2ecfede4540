#include "visitor_check.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "word_list.hpp"

namespace instatunnel::service {
namespace {

constexpr std::size_t most_doors = 10'000;

// Anybody can make an account with an address that is not theirs; it says who they are once it is confirmed.
bool is_invited(const store::user& person, std::string_view account_id, const visitor_list& users) {
    if (person.account_id == account_id) return true;
    if (users == nullptr) return false;
    return std::ranges::any_of(
        *users, [&](const std::string& one) { return one == "*" || (person.verified_at && one == person.email); });
}

std::string resource_of(std::string_view host) {
    return "https://" + std::string(host);
}

}  // namespace

visitor_answer visitor_check::check(const visitor_claim& claim) {
    using enum visitor_verdict;
    const auto no = [](visitor_verdict why) {
        visitor_answer answer;
        answer.verdict = why;
        return answer;
    };
    const auto found = store_.find_oauth_token(oauth_.digest(claim.token.reveal()));
    if (!found) return no(unavailable);
    if (!*found || (*found)->kind != store::oauth_token_kind::access) return no(unknown);
    const auto& token = **found;
    if (token.revoked_at || token.expires_at <= tuning_.now()) return no(ended);
    if (token.resource != resource_of(claim.host)) return no(other_audience);
    if (std::ranges::find(token.scopes, auth::mcp_scope) == token.scopes.end()) return no(missing_scope);
    const auto person = store_.find_user(token.user_id);
    if (!person) return no(unavailable);
    if (!*person || (*person)->disabled) return no(ended);
    if (!is_invited(**person, claim.account_id, claim.users)) return no(not_invited);
    visitor_answer answer;
    answer.verdict = good;
    answer.token_id = token.id;
    answer.user_id = token.user_id;
    answer.client_id = token.client_id;
    answer.expires_at = token.expires_at;
    answer.identity = identity_of(token, **person, claim.url);
    return answer;
}

visitor_verdict visitor_check::check_again(const visitor_again& visitor) {
    using enum visitor_verdict;
    const auto token = store_.find_oauth_token_by_id(visitor.token_id);
    if (!token) return unavailable;
    if (*token && (*token)->revoked_at) return ended;
    if (!*token) {
        // Thrown away long after its end, as old tokens are: then the consent itself says.
        const auto consent = store_.find_grant(visitor.user_id, visitor.client_id, resource_of(visitor.host));
        if (!consent) return unavailable;
        if (!*consent) return ended;
    }
    const auto person = store_.find_user(visitor.user_id);
    if (!person) return unavailable;
    if (!*person || (*person)->disabled) return ended;
    return is_invited(**person, visitor.account_id, visitor.users) ? good : not_invited;
}

// A JWT (RFC 7519) with a type of its own, so that it cannot be taken for another kind of token, nor one of those for
// it (RFC 8725 §3.11).
std::string visitor_check::identity_of(const store::oauth_token& token, const store::user& person,
                                       const std::string& url) const {
    const auto now = unix_seconds(tuning_.now());
    nlohmann::ordered_json head;
    head["alg"] = "EdDSA";
    head["typ"] = "instatunnel-identity+jwt";
    head["kid"] = signer_.id();
    nlohmann::ordered_json body;
    body["iss"] = oauth_.issuer;
    body["aud"] = url;
    body["sub"] = person.id;
    body["email"] = person.email;
    body["email_verified"] = person.verified_at.has_value();
    body["client_id"] = token.client_id;
    body["scope"] = word_list(token.scopes);
    body["iat"] = now;
    body["exp"] = now + identity_life.count();
    const auto text = to_base64url(head.dump()) + "." + to_base64url(body.dump());
    return text + "." + to_base64url(signer_.sign(text));
}

void visitor_check::note_tunnel(const granted_tunnel& tunnel, visitor_list users) {
    const auto resource = resource_of(tunnel.host);
    doors_.erase(resource);
    if (users == nullptr) return;
    if (doors_.size() >= most_doors) doors_.clear();
    doors_.emplace(resource, door{tunnel.account_id, std::move(users)});
}

bool visitor_check::may_consent(const store::user& person, std::string_view resource) const {
    const auto known = doors_.find(std::string(resource));
    return known == doors_.end() || is_invited(person, known->second.account_id, known->second.users);
}

}  // namespace instatunnel::service
