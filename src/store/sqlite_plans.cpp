#include "sqlite_store.hpp"

namespace instatunnel::store {

outcome<std::string> sqlite_store::find_plan(std::string_view account_id) {
    query find(*db_, "SELECT plan FROM accounts WHERE id = ?");
    if (find.bind(account_id).next()) return find.text(0);
    if (find.failed()) return find.error();
    return failure(errc::not_found, "There is no such account");
}

outcome<std::vector<plan_rule>> sqlite_store::list_plan_rules() {
    query list(*db_, "SELECT plan, rule, value FROM plan_rules ORDER BY plan, rule");
    std::vector<plan_rule> rules;
    while (list.next())
        rules.push_back({list.text(0), list.text(1), list.number(2)});
    if (list.failed()) return list.error();
    return rules;
}

outcome<void> sqlite_store::set_plan_rules(std::span<const plan_rule> rules) {
    return db_->in_transaction([&]() -> outcome<void> {
        for (const auto& r : rules) {
            query put(*db_,
                      "INSERT INTO plan_rules(plan, rule, value) VALUES (?, ?, ?) "
                      "ON CONFLICT(plan, rule) DO UPDATE SET value = excluded.value");
            if (auto done = put.bind(r.plan).bind(r.rule).bind(r.value).run(); !done) return done;
        }
        return {};
    });
}

outcome<void> sqlite_store::reset_plan(std::string_view plan) {
    query forget(*db_, "DELETE FROM plan_rules WHERE plan = ?");
    return forget.bind(plan).run();
}

}  // namespace instatunnel::store
