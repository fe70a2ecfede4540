#include "key_watch.hpp"

#include <unordered_set>

#include "caller.hpp"

namespace instatunnel::service {
namespace {

// From an admission until the edge lists the tunnel.
constexpr std::chrono::minutes opening_time{1};

}  // namespace

std::optional<errc> end_of(const store::api_key& key, wall_time now) {
    if (key.revoked_at) return errc::revoked_key;
    if (key.owner_disabled) return errc::account_disabled;
    if (key.expires_at && *key.expires_at <= now) return errc::expired_key;
    return std::nullopt;
}

void key_watch::note(const store::api_key& key) {
    keys_.insert_or_assign(key.id, entry{key.digest, key.expires_at, tuning_.steady()});
}

void key_watch::end_sooner(const std::string& key_id, wall_time at) {
    const auto known = keys_.find(key_id);
    if (known == keys_.end()) return;
    auto& expires_at = known->second.expires_at;
    if (!expires_at || at < *expires_at) expires_at = at;
}

void key_watch::look_after(live_tunnels* edge) {
    if (edge == nullptr) return;
    if (again_) ask_store(*edge);
    end_expired(*edge);
}

void key_watch::end_expired(live_tunnels& edge) {
    const auto now = tuning_.now();
    std::erase_if(keys_, [&](const auto& key) {
        const auto& [id, known] = key;
        if (!known.expires_at || *known.expires_at > now) return false;
        edge.close_key(id, errc::expired_key);
        return true;
    });
}

void key_watch::ask_store(live_tunnels& edge) {
    const auto now = tuning_.now();
    for (auto key = keys_.begin(); key != keys_.end();) {
        auto found = find_caller(store_, key->second.digest);
        // The store has logged why; the next round asks again.
        if (!found) return;
        const auto why = *found ? end_of(**found, now) : errc::revoked_key;
        if (why) {
            edge.close_key(key->first, *why);
            key = keys_.erase(key);
        } else {
            key->second.expires_at = (*found)->expires_at;
            ++key;
        }
    }
    again_ = false;
}

void key_watch::keep_only(const std::vector<live_tunnel>& live) {
    std::unordered_set<std::string> in_use;
    for (const auto& t : live)
        in_use.insert(t.key_id);
    const auto opening_since = tuning_.steady() - opening_time;
    std::erase_if(keys_,
                  [&](const auto& key) { return key.second.noted < opening_since && !in_use.contains(key.first); });
}

}  // namespace instatunnel::service
