#include "catch_outcome.hpp"
#include "contract.hpp"

namespace instatunnel::store::testing {
namespace {

void tells_the_plan_of_an_account(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    CHECK(s->find_plan(ann.account_id).value() == "pro");
    CHECK(s->find_plan("acc_nobody").error().code == errc::not_found);
}

void keeps_rules_of_plans(store_source& source) {
    CHECK(source.open()->list_plan_rules().value().empty());
    const std::vector<plan_rule> rules{{"free", "tunnels", 3}, {"free", "mcp", 0}, {"pro", "rate", -1}};
    REQUIRE(source.open()->set_plan_rules(rules));
    const auto s = source.open();
    const auto kept = s->list_plan_rules().value();
    REQUIRE(kept.size() == 3);
    CHECK(kept[0].rule == "mcp");
    CHECK(kept[1].plan == "free");
    CHECK(kept[1].value == 3);
    CHECK(kept[2].value == -1);
}

void a_rule_that_is_set_again_has_the_new_value(store_source& source) {
    const auto s = source.open();
    REQUIRE(s->set_plan_rules(std::vector<plan_rule>{{"free", "tunnels", 3}, {"free", "names", 1}}));
    REQUIRE(s->set_plan_rules(std::vector<plan_rule>{{"free", "tunnels", 5}}));
    const auto kept = s->list_plan_rules().value();
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].value == 1);
    CHECK(kept[1].value == 5);
}

void resets_one_plan(store_source& source) {
    const auto s = source.open();
    REQUIRE(s->set_plan_rules(std::vector<plan_rule>{{"free", "tunnels", 3}, {"pro", "tunnels", 30}}));
    REQUIRE(s->reset_plan("free"));
    const auto kept = s->list_plan_rules().value();
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].plan == "pro");
    CHECK(s->reset_plan("free"));  // nothing is set: nothing to forget
}

constexpr contract_case plan_contract[] = {
    {"tells the plan of an account", tells_the_plan_of_an_account},
    {"keeps rules of plans", keeps_rules_of_plans},
    {"a rule that is set again has the new value", a_rule_that_is_set_again_has_the_new_value},
    {"resets one plan", resets_one_plan},
};

}  // namespace

std::span<const contract_case> plan_cases() {
    return plan_contract;
}

}  // namespace instatunnel::store::testing
