#include "keyring.hpp"

#include <algorithm>
#include <utility>

#include "caller.hpp"
#include "instatunnel/auth/key.hpp"
#include "key_watch.hpp"

namespace instatunnel::service {
namespace {

constexpr std::chrono::seconds verdict_life{30};
constexpr std::size_t max_verdicts = 10000;

}  // namespace

keyring::keyring(store::store& target, const secret& pepper, const tuning& t)
    : store_(target), pepper_(pepper), tuning_(t) {}

outcome<store::api_key> keyring::check(std::string_view key) {
    if (!is_credential(key)) return failure(errc::malformed_key);
    const auto digest = auth::key_digest(pepper_, key);
    const auto now = tuning_.steady();
    auto known = verdicts_.find(digest);
    if (known == verdicts_.end() || known->second.good_until <= now) {
        auto found = find_caller(store_, digest);
        if (!found) return found.error();
        if (!*found) return failure(errc::invalid_key);
        if (const auto why = end_of(**found, tuning_.now())) return failure(*why);
        if (verdicts_.size() >= max_verdicts) verdicts_.clear();
        known = verdicts_.insert_or_assign(digest, verdict{std::move(**found), now + verdict_life}).first;
    }
    const auto& record = known->second.record;
    if (const auto why = end_of(record, tuning_.now())) return failure(*why);
    note_use(record.id);
    return record;
}

made_key keyring::make(const std::string& account_id, const std::string& user_id, const key_spec& spec) const {
    made_key made{auth::make_api_key(), {}};
    const auto text = made.key.reveal();
    made.record.id = auth::make_id("key");
    made.record.account_id = account_id;
    made.record.user_id = user_id;
    made.record.name = spec.name;
    made.record.digest = auth::key_digest(pepper_, text);
    made.record.tail = std::string(text.substr(text.size() - 3));
    made.record.scopes = spec.scopes;
    made.record.created_at = tuning_.now();
    made.record.expires_at = spec.expires_at;
    made.record.by_sign_in = spec.by_sign_in;
    return made;
}

outcome<made_key> keyring::issue(const std::string& account_id, const std::string& user_id, const key_spec& spec) {
    auto made = make(account_id, user_id, spec);
    if (auto stored = store_.add_key(made.record, max_keys_per_account); !stored) return stored.error();
    return made;
}

outcome<store::api_key> keyring::find(const std::string& account_id, const std::string& key_id) {
    if (auto flushed = flush_uses(); !flushed) return flushed.error();
    auto found = store_.find_key_by_id(account_id, key_id);
    if (!found) return found.error();
    if (!*found || (*found)->revoked_at) return failure(errc::not_found, "There is no such key in this account");
    return std::move(**found);
}

outcome<void> keyring::rename(const std::string& account_id, const std::string& key_id, const std::string& name) {
    if (auto stored = store_.rename_key(account_id, key_id, name); !stored) return stored;
    forget(key_id);
    return {};
}

outcome<void> keyring::revoke(const std::string& account_id, const std::string& key_id) {
    if (auto stored = store_.revoke_key(account_id, key_id, tuning_.now()); !stored) return stored;
    forget(key_id);
    return {};
}

outcome<rotated_key> keyring::rotate(const store::api_key& old, std::chrono::seconds grace) {
    const auto now = tuning_.now();
    rotated_key made{make(old.account_id, old.user_id, {old.name, old.scopes, old.expires_at, old.by_sign_in}),
                     now + grace};
    if (old.expires_at) made.old_ends_at = std::min(made.old_ends_at, *old.expires_at);
    const auto& next = made.next.record;
    auto stored = store_.atomically([&]() -> outcome<void> {
        auto replaced = store_.replace_key(old.account_id, old.id, next.id, made.old_ends_at);
        if (!replaced) return replaced;
        if (grace.count() == 0)
            if (auto revoked = store_.revoke_key(old.account_id, old.id, now); !revoked) return revoked;
        return store_.add_key(next, max_keys_per_account);
    });
    if (!stored) return stored.error();
    forget(old.id);
    return made;
}

void keyring::forget(const std::string& key_id) {
    std::erase_if(verdicts_, [&](const auto& entry) { return entry.second.record.id == key_id; });
}

void keyring::forget_account(const std::string& account_id) {
    std::erase_if(verdicts_, [&](const auto& entry) { return entry.second.record.account_id == account_id; });
}

void keyring::note_use(const std::string& key_id) {
    uses_[key_id] = tuning_.now();
}

outcome<void> keyring::flush_uses() {
    if (uses_.empty()) return {};
    std::vector<store::key_use> uses;
    uses.reserve(uses_.size());
    for (const auto& [id, at] : uses_)
        uses.push_back({id, at});
    auto stored = store_.record_key_uses(uses);
    if (stored) uses_.clear();
    return stored;
}

}  // namespace instatunnel::service
