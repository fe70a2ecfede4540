#pragma once

#include <memory>
#include <span>
#include <string>

#include "instatunnel/store/store.hpp"

namespace instatunnel::store::testing {

/// Where the tests of the contract get stores from: each object has data of its own, fresh at first.
class store_source {
public:
    virtual ~store_source() = default;
    /// Another connection to the same data, as after a restart or from a second process.
    virtual std::unique_ptr<store> open() = 0;
};

struct contract_case {
    const char* name;
    void (*run)(store_source& source);
};

/// What every engine must do. Its test runs each case on a new source.
std::span<const contract_case> transaction_cases();
std::span<const contract_case> oauth_cases();
std::span<const contract_case> session_cases();
std::span<const contract_case> account_cases();
std::span<const contract_case> account_life_cases();
std::span<const contract_case> invitation_cases();
std::span<const contract_case> tunnel_cases();
std::span<const contract_case> audit_cases();
std::span<const contract_case> name_cases();
std::span<const contract_case> plan_cases();
std::span<const contract_case> port_cases();

wall_time at_second(std::int64_t second);
user make_user(const std::string& name);
api_key make_key(const user& owner, const std::string& name);
tunnel_request make_request(const user& owner, const std::string& name, wall_time now = at_second(1000));
/// Adds a user to the store and returns it.
user add(store& target, const std::string& name);

}  // namespace instatunnel::store::testing
