#include "instatunnel/oauth/tokens.hpp"
#include "instatunnel/auth/access_token.hpp"

#include <algorithm>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::oauth {
namespace {

constexpr std::size_t token_characters = 40;
constexpr std::string_view access_prefix = "ita_";
constexpr std::string_view refresh_prefix = "itr_";

bool is_token(std::string_view text, std::string_view prefix) noexcept {
    return text.size() == prefix.size() + token_characters && text.starts_with(prefix) &&
           std::ranges::all_of(text.substr(prefix.size()), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           });
}

bool is_live(const store::oauth_token& token, wall_time now) noexcept {
    return !token.revoked_at && !token.used_at && token.expires_at > now;
}

}  // namespace

outcome<secret> token_book::add(const token_subject& subject, store::oauth_token_kind kind, std::chrono::seconds life,
                                std::string& id) {
    const auto prefix = kind == store::oauth_token_kind::access ? access_prefix : refresh_prefix;
    secret token(std::string(prefix) + random_base62(token_characters));
    const auto now = settings_.now();
    store::oauth_token record;
    record.id = id = auth::make_id("tok");
    record.kind = kind;
    record.digest = settings_.digest(token.reveal());
    record.family_id = subject.family_id;
    record.grant_id = subject.grant_id;
    record.client_id = subject.client_id;
    record.user_id = subject.user_id;
    record.account_id = subject.account_id;
    record.resource = subject.resource;
    record.scopes = subject.scopes;
    record.created_at = now;
    record.expires_at = now + life;
    if (auto stored = store_.add_oauth_token(record); !stored) return stored.error();
    return token;
}

outcome<token_answer> token_book::issue(const token_subject& subject, bool with_refresh) {
    token_answer made;
    auto access = add(subject, store::oauth_token_kind::access, settings_.access_life, made.token_id);
    if (!access) return access.error();
    made.access_token = std::move(*access);
    if (with_refresh) {
        std::string id;
        auto refresh = add(subject, store::oauth_token_kind::refresh, settings_.refresh_life, id);
        if (!refresh) return refresh.error();
        made.refresh_token = std::move(*refresh);
    }
    made.expires_in = settings_.access_life;
    made.scopes = subject.scopes;
    made.account_id = subject.account_id;
    made.user_id = subject.user_id;
    return made;
}

outcome<std::optional<store::oauth_token>> token_book::find_live(std::string_view token) {
    if (!auth::is_access_token(token)) return std::optional<store::oauth_token>();
    return find_any_live(token);
}

outcome<std::optional<store::oauth_token>> token_book::find_any_live(std::string_view token) {
    if (!auth::is_access_token(token) && !is_token(token, refresh_prefix)) return std::optional<store::oauth_token>();
    auto found = store_.find_oauth_token(settings_.digest(token));
    if (found && *found && !is_live(**found, settings_.now())) return std::optional<store::oauth_token>();
    return found;
}

outcome<std::vector<std::string>> token_book::revoke(const store::oauth_client& client, std::string_view token) {
    std::vector<std::string> ended;
    auto found = find_any_live(token);
    if (!found) return found.error();
    if (!*found || (*found)->client_id != client.id) return ended;
    if ((*found)->kind == store::oauth_token_kind::refresh)
        return store_.revoke_family((*found)->family_id, settings_.now());
    if (auto revoked = store_.revoke_oauth_token((*found)->id, settings_.now()); !revoked) return revoked.error();
    ended.push_back((*found)->id);
    return ended;
}

}  // namespace instatunnel::oauth
