#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "instatunnel/service/service.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

/// Why a key does not work any more at `now`: revoked_key or expired_key; nullopt while it does. What else ends a key
/// (an account that may not sign in) belongs here, so that calls, admissions and open tunnels agree.
std::optional<errc> end_of(const store::api_key& key, wall_time now);

/// The keys whose tunnels may be connected. Ends the tunnels when their key ends: by its time, or by a change of
/// another process. On the service's thread.
class key_watch {
public:
    /// Both outlive the watch.
    key_watch(store::store& target, const tuning& t) : store_(target), tuning_(t) {}

    /// A tunnel is about to be opened with this key.
    void note(const store::api_key& key);
    void forget(const std::string& key_id) { keys_.erase(key_id); }
    /// The key ends at `at` if it would not end before.
    void end_sooner(const std::string& key_id, wall_time at);
    /// The next look_after() asks the store about every key.
    void look_again() noexcept { again_ = true; }

    /// About once a second. `edge` is null until it is attached.
    void look_after(live_tunnels* edge);
    /// Forgets the keys that none of these tunnels was opened with.
    void keep_only(const std::vector<live_tunnel>& live);

private:
    struct entry {
        std::string digest;
        std::optional<wall_time> expires_at;
        auth::steady_time noted;
    };
    void end_expired(live_tunnels& edge);
    void ask_store(live_tunnels& edge);

    store::store& store_;
    const tuning& tuning_;
    std::unordered_map<std::string, entry> keys_;  // by id
    bool again_ = false;
};

}  // namespace instatunnel::service
