#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

inline constexpr std::uint64_t max_keys_per_account = 1000;

struct made_key {
    secret key;
    store::api_key record;
};

struct key_spec {
    std::string name;
    std::vector<std::string> scopes;
    std::optional<wall_time> expires_at;
    bool by_sign_in = false;  ///< register or login make it
};

/// A key that took the place of another one.
struct rotated_key {
    made_key next;
    wall_time old_ends_at{};
};

/// Makes, checks and revokes API keys; access tokens are checked here as well (see caller.hpp). On the service's
/// thread. A key that was found good is remembered for 30 s, so that checking it again needs no SQL; what is changed
/// here is forgotten at once, forget_all() is for changes by others.
class keyring {
public:
    /// All outlive the keyring.
    keyring(store::store& target, const secret& pepper, const tuning& t);

    /// Errors: malformed_key, invalid_key, expired_key, revoked_key, account_disabled, store_failed.
    outcome<store::api_key> check(std::string_view key);
    /// A new key that is not stored yet.
    made_key make(const std::string& account_id, const std::string& user_id, const key_spec& spec) const;
    /// The same, stored. Errors: forbidden (too many keys), store_failed.
    outcome<made_key> issue(const std::string& account_id, const std::string& user_id, const key_spec& spec);
    /// A key that is not revoked. Errors: not_found, store_failed.
    outcome<store::api_key> find(const std::string& account_id, const std::string& key_id);
    /// Errors: not_found, store_failed.
    outcome<void> rename(const std::string& account_id, const std::string& key_id, const std::string& name);
    /// Errors: not_found, store_failed.
    outcome<void> revoke(const std::string& account_id, const std::string& key_id);
    /// Makes a key with the name, permissions and end of `old`, which ends after `grace`, or now if that is zero.
    /// Errors: not_found (it was revoked or rotated meanwhile), forbidden (too many keys), store_failed.
    outcome<rotated_key> rotate(const store::api_key& old, std::chrono::seconds grace);

    /// Somebody else changed the store.
    void forget_all() { verdicts_.clear(); }

    /// An access token ended.
    void forget(const std::string& key_id);
    /// What is known of keys that one account has is asked from the store again.
    void forget_account(const std::string& account_id);

    /// Stores when keys were used last: batched, because a write per request would cost more than the request.
    outcome<void> flush_uses();

private:
    struct verdict {
        store::api_key record;
        auth::steady_time good_until;
    };
    void note_use(const std::string& key_id);

    store::store& store_;
    const secret& pepper_;
    const tuning& tuning_;
    std::unordered_map<std::string, verdict> verdicts_;  // by digest
    std::unordered_map<std::string, wall_time> uses_;    // by key id
};

}  // namespace instatunnel::service
