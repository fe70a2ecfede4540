#pragma once

#include <string>
#include <string_view>

#include "instatunnel/service/service.hpp"
#include "plan_book.hpp"

namespace instatunnel::service {

/// Which limit of which plan was met, for programs.
struct plan_refusal {
    std::string plan;
    std::string_view limit;  ///< "tunnels", "names", "mcp": as in `limits` of the API
};

/// Asks the plan before something is done. On the service's thread, where everything that counts is done too: nothing
/// comes between a check and the deed. Each check fails with plan_limit (what the plan allows and how much is in use),
/// or with store_failed or busy.
class plan_gate {
public:
    /// All arguments outlive the gate; `edge` may point to nothing until one is attached, then nothing is connected.
    plan_gate(plan_book& plans, store::store& data, live_tunnels* const& edge, const std::string& support_contact)
        : plans_(plans), data_(data), edge_(edge), support_(support_contact) {}

    /// May one more tunnel be connected? One that is connected under this `name` does not count: it is taken over.
    outcome<void> check_tunnels(const std::string& account_id, std::string_view name);
    /// May the account keep this name? One that it has asked for before is not counted twice.
    outcome<void> check_name(const std::string& account_id, const std::string& name);
    outcome<void> check_mcp(const std::string& account_id);

    /// Calls of the API in a minute, all keys of the account together; nullopt: no limit. Errors: store_failed.
    outcome<std::optional<std::uint64_t>> calls_per_minute(const std::string& account_id);

    /// About the last plan_limit; valid until the next check.
    const plan_refusal& last_refusal() const noexcept { return last_; }

private:
    failure refuse(const plan_rules& rules, std::string_view limit, std::string message, std::string next);

    plan_book& plans_;
    store::store& data_;
    live_tunnels* const& edge_;
    const std::string& support_;
    plan_refusal last_;
};

}  // namespace instatunnel::service
