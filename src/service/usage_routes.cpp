#include <algorithm>

#include "api.hpp"
#include "instatunnel/base/clock.hpp"
#include "plan_words.hpp"

namespace instatunnel::service {

std::uint64_t api::count_online(const std::string& account_id) const {
    const auto connected = live();
    const auto counts = [&](const auto& entry) { return entry.second.account_id == account_id; };
    return static_cast<std::uint64_t>(std::ranges::count_if(connected, counts));
}

nlohmann::ordered_json api::describe(const store::account_usage& usage, const std::string& account_id) const {
    nlohmann::ordered_json body;
    body["tunnels_created"] = usage.tunnels_created;
    body["data_transferred"] = to_human_bytes(usage.bytes_in + usage.bytes_out);
    body["requests_served"] = usage.requests;
    body["bytes_in"] = usage.bytes_in;
    body["bytes_out"] = usage.bytes_out;
    body["bytes_transferred"] = usage.bytes_in + usage.bytes_out;
    body["tunnels_online"] = count_online(account_id);
    return body;
}

void api::show_plan(const call_ptr& c) {
    auto rules = parts_.plans.rules_for(c->key.account_id);
    if (!rules) return c->fail(rules.error());
    auto names = parts_.data.count_requested_names(c->key.account_id);
    if (!names) return c->fail(names.error());
    auto user = parts_.data.find_user(c->key.user_id);
    if (!user) return c->fail(user.error());
    if (!*user) return c->fail(failure(errc::invalid_key));
    nlohmann::ordered_json body;
    body["plan"] = rules->name;
    body["credit"] = (*user)->credit;
    body["limits"] = describe_limits(*rules);
    body["in_use"]["tunnels"] = count_online(c->key.account_id);
    body["in_use"]["names"] = *names;
    c->reply(200, body);
}

void api::show_usage(const call_ptr& c) {
    // What the edge reported a moment ago belongs to the answer.
    if (auto flushed = parts_.usage.flush(parts_.data); !flushed) return c->fail(flushed.error());
    auto usage = parts_.data.find_usage(c->key.account_id);
    if (!usage) return c->fail(usage.error());
    auto user = parts_.data.find_user(c->key.user_id);
    if (!user) return c->fail(user.error());
    if (!*user) return c->fail(failure(errc::invalid_key));
    nlohmann::ordered_json body;
    body["since"] = to_rfc3339((*user)->created_at);
    body["usage"] = describe(*usage, c->key.account_id);
    c->reply(200, body);
}

}  // namespace instatunnel::service
