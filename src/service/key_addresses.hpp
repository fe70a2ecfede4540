#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "audit_log.hpp"
#include "instatunnel/store/store.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

/// Notices keys that are used from a network they were not used from before. On the service's thread; noting a use
/// costs one look into memory, the store is asked with the next flush.
class key_addresses {
public:
    /// All arguments outlive the object.
    key_addresses(store::store& target, audit_log& audit, const tuning& t)
        : store_(target), audit_(audit), tuning_(t) {}

    void note(const store::api_key& key, std::string_view address);
    /// Keeps what was noted for the next time if the store fails.
    outcome<void> flush();

private:
    struct use {
        store::key_address where;
        std::string account_id;
        std::string address;  // whole
    };
    store::store& store_;
    audit_log& audit_;
    const tuning& tuning_;
    std::unordered_set<std::string> known_;  // key and network that the store has
    std::vector<use> waiting_;
};

}  // namespace instatunnel::service
