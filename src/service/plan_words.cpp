#include "plan_words.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <variant>

namespace instatunnel::service {
namespace {

using count_member = std::optional<std::uint64_t> plan_rules::*;
using switch_member = bool plan_rules::*;

constexpr std::uint64_t max_count = 1'000'000;
constexpr std::int64_t stored_unlimited = -1;

/// One rule of a plan. A further one is a member of plan_rules, a row here, and the check where it is enforced.
struct rule {
    std::string_view word;      ///< in `admin plan set` and in the store
    std::string_view api_name;  ///< in `limits` of the API
    std::uint64_t least;
    std::variant<count_member, switch_member> member;
};

constexpr rule rules[] = {
    {"tunnels", "tunnels", 0, &plan_rules::tunnels},
    {"names", "names", 0, &plan_rules::names},
    {"mcp", "mcp", 0, &plan_rules::mcp},
    {"custom-domains", "custom_domains", 0, &plan_rules::custom_domains},
    // No call at all would be an account that cannot even be looked at.
    {"rate", "requests_per_minute", 1, &plan_rules::calls_per_minute},
};

failure wrong_setting(std::string text) {
    std::string example = "Write it like: instatunnel admin plan set free tunnels=3 names=unlimited mcp=no";
    return {errc::usage, std::move(text), std::move(example)};
}

std::optional<std::int64_t> parse_count(std::string_view text, std::uint64_t least) {
    if (text == "unlimited") return stored_unlimited;
    std::uint64_t value = 0;
    const auto* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, value);
    if (read.ec != std::errc() || read.ptr != end || value < least || value > max_count) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

std::optional<std::int64_t> parse_switch(std::string_view text) {
    if (text == "yes") return 1;
    if (text == "no") return 0;
    return std::nullopt;
}

void apply(plan_rules& to, const rule& r, std::int64_t value) {
    if (const auto* of_switch = std::get_if<switch_member>(&r.member)) {
        to.*(*of_switch) = value != 0;
        return;
    }
    auto& count = to.*std::get<count_member>(r.member);
    count = value < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(value));
}

}  // namespace

bool is_plan(std::string_view name) noexcept {
    return std::ranges::find(plan_names, name) != plan_names.end();
}

std::vector<std::string_view> plan_rule_words() {
    std::vector<std::string_view> words;
    for (const auto& r : rules)
        words.push_back(r.word);
    return words;
}

outcome<store::plan_rule> parse_plan_setting(std::string_view plan, std::string_view setting) {
    const auto equals = setting.find('=');
    const auto word = setting.substr(0, equals);
    const auto* const found = std::ranges::find(rules, word, &rule::word);
    if (found == std::end(rules) || equals == std::string_view::npos)
        return wrong_setting("\"" + std::string(setting.substr(0, 80)) +
                             "\" sets none of tunnels, names, mcp, custom-domains and rate");
    const auto text = setting.substr(equals + 1);
    const bool is_count = std::holds_alternative<count_member>(found->member);
    const auto value = is_count ? parse_count(text, found->least) : parse_switch(text);
    if (value) return store::plan_rule{std::string(plan), std::string(word), *value};
    if (!is_count) return wrong_setting(std::string(word) + " is yes or no");
    return wrong_setting(std::string(word) + " is a number from " + std::to_string(found->least) + " to " +
                         std::to_string(max_count) + ", or unlimited");
}

plan_rules make_plan(std::string_view plan, std::span<const store::plan_rule> stored) {
    plan_rules made;
    made.name = plan;
    for (const auto& s : stored) {
        if (s.plan != plan) continue;
        const auto* const found = std::ranges::find(rules, s.rule, &rule::word);
        if (found != std::end(rules)) apply(made, *found, s.value);
    }
    return made;
}

nlohmann::ordered_json describe_limits(const plan_rules& plan) {
    nlohmann::ordered_json limits;
    for (const auto& r : rules) {
        auto& shown = limits[std::string(r.api_name)];
        if (const auto* of_switch = std::get_if<switch_member>(&r.member))
            shown = plan.*(*of_switch);
        else if (const auto& count = plan.*std::get<count_member>(r.member); count)
            shown = *count;
    }
    return limits;
}

}  // namespace instatunnel::service
