#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "instatunnel/service/plans.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

/// What each account may do. On the service's thread. Remembers what it read, so that asking for every call costs no
/// SQL; forget() when the data may have changed.
class plan_book {
public:
    /// `data` outlives the book.
    explicit plan_book(store::store& data) : data_(data) {}

    /// Errors: not_found (no such account), store_failed.
    outcome<plan_rules> rules_for(const std::string& account_id);
    void forget() noexcept;

private:
    outcome<void> read_rules();

    store::store& data_;
    std::optional<std::vector<store::plan_rule>> stored_;
    std::unordered_map<std::string, plan_rules> by_account_;
};

}  // namespace instatunnel::service
