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
};

/// Makes, checks and revokes API keys. On the service's thread. A key that was found good is remembered for 30 s, so
/// that checking it again needs no SQL; revoking it here forgets it at once, another process's change shows after that.
class keyring {
public:
    /// `target` and `t` outlive the keyring.
    keyring(store::store& target, secret pepper, const tuning& t);

    /// Errors: malformed_key, invalid_key, expired_key, revoked_key, store_failed.
    outcome<store::api_key> check(std::string_view key);
    /// A new key that is not stored yet.
    made_key make(const std::string& account_id, const std::string& user_id, const key_spec& spec) const;
    /// The same, stored. Errors: forbidden (too many keys), store_failed.
    outcome<made_key> issue(const std::string& account_id, const std::string& user_id, const key_spec& spec);
    /// Errors: not_found, store_failed.
    outcome<void> revoke(const std::string& account_id, const std::string& key_id);

    /// Stores when keys were used last: batched, because a write per request would cost more than the request.
    outcome<void> flush_uses();

private:
    struct verdict {
        store::api_key record;
        auth::steady_time good_until;
    };
    void note_use(const std::string& key_id);

    store::store& store_;
    secret pepper_;
    const tuning& tuning_;
    std::unordered_map<std::string, verdict> verdicts_;  // by digest
    std::unordered_map<std::string, wall_time> uses_;    // by key id
};

}  // namespace instatunnel::service
