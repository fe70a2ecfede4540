#include <catch2/catch.hpp>

#include "doctor/service_checks.hpp"

using namespace instatunnel;
using doctor::check_state;
using doctor::judge_plan;

namespace {

api::account_info account(std::optional<std::uint64_t> tunnels, std::uint64_t online, bool mcp = true) {
    api::account_info a;
    a.plan = "free";
    a.permissions = {"tunnels:*"};
    a.tunnels_online = online;
    a.limits.emplace();
    a.limits->tunnels = tunnels;
    a.limits->mcp = mcp;
    return a;
}

}  // namespace

TEST_CASE("a plan with room is well") {
    CHECK(judge_plan(account(2, 1), true, {}).found == "1 of 2 tunnels are open; MCP is allowed");
    CHECK(judge_plan(account({}, 9), false, {}).found == "9 tunnels are open, no limit");
    auto silent = account(1, 1);
    silent.limits.reset();
    CHECK(judge_plan(silent, true, {}).state == check_state::ok);
}

TEST_CASE("a full plan is a warning, one without MCP a failure where MCP is wanted") {
    const auto full = judge_plan(account(2, 2), false, "help@example.com");
    CHECK(full.state == check_state::warning);
    CHECK(full.mend == "Stop one: instatunnel ls, instatunnel kill NAME; or ask for more: help@example.com");
    const auto without = judge_plan(account(2, 0, false), true, {});
    CHECK(without.state == check_state::failed);
    CHECK(without.code == errc::plan_limit);
    CHECK(judge_plan(account(2, 0, false), false, {}).state == check_state::ok);
}

TEST_CASE("a key without the permission to open tunnels fails, groups and the star have it") {
    auto a = account(2, 0);
    for (const auto* held : {"tunnels:write", "tunnels:*", "*"}) {
        a.permissions = {held};
        CHECK(judge_plan(a, false, {}).state == check_state::ok);
    }
    a.permissions = {"tunnels:read", "keys:manage"};
    CHECK(judge_plan(a, false, {}).code == errc::forbidden);
}
