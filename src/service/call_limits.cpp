#include "call_limits.hpp"

#include <algorithm>
#include <vector>

namespace instatunnel::service {
namespace {

constexpr std::size_t max_buckets = 16384;
constexpr std::size_t max_plan_rates = 8;

std::chrono::seconds whole_seconds(std::chrono::milliseconds wait) {
    return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(wait));
}

}  // namespace

call_limits::counter::counter(std::string_view called, rate r)
    : name(called),
      rule(r),
      buckets(r.strict ? auth::bucket_rule::in_any_minute(r.per_minute) : auth::bucket_rule::per_minute(r.per_minute),
              max_buckets) {}

quota call_limits::counter::left(auth::token_bucket& bucket, auth::steady_time now) const {
    return {name, rule.per_minute, bucket.left(now), std::chrono::ceil<std::chrono::seconds>(bucket.until_full(now))};
}

call_limits::call_limits(const rate_limits& rates)
    : by_key_("calls-per-key", rates.calls_per_key),
      by_account_("calls-per-account", rates.calls_per_account),
      by_address_("calls-per-address", rates.calls_per_address),
      without_key_("calls-without-key", rates.calls_without_key),
      sign_in_by_email_("sign-ins", rates.sign_ins),
      sign_in_by_address_("sign-ins", rates.sign_ins),
      registrations_("registrations", rates.registrations),
      wrong_keys_("wrong-keys", rates.wrong_keys) {}

call_limits::ruling call_limits::take(std::span<const asked> all, std::string_view address, auth::steady_time now) {
    ruling given;
    std::vector<auth::token_bucket*> taken;
    taken.reserve(all.size());
    for (const auto& [of, whom] : all) {
        quota left{of.name, of.rule.per_minute, of.rule.per_minute, {}};
        if (!of.spares(address)) {
            auto& bucket = of.buckets.at(whom, now);
            if (!bucket.take(now)) {
                for (auto* counted : taken)
                    counted->give_back(now);
                return {whole_seconds(bucket.wait(now)), of.left(bucket, now)};
            }
            taken.push_back(&bucket);
            left = of.left(bucket, now);
        }
        if (given.tightest.limit == 0 || left.remaining < given.tightest.remaining) given.tightest = left;
    }
    return given;
}

call_limits::ruling call_limits::take_call_with_key(const store::api_key& key, std::optional<std::uint64_t> plan_rate,
                                                    std::string_view address, auth::steady_time now) {
    const auto group = auth::address_group(address);
    counter& of_plan = plan_rate ? counter_of_plan(*plan_rate) : by_account_;
    const asked all[] = {
        {by_key_, key.id}, {by_account_, key.account_id}, {by_address_, group}, {of_plan, key.account_id}};
    return take(std::span(all).first(plan_rate ? 4 : 3), address, now);
}

// Each plan has one rate, and they change when the owner changes them: old ones are forgotten now and then.
call_limits::counter& call_limits::counter_of_plan(std::uint64_t per_minute) {
    if (by_plan_rate_.size() >= max_plan_rates && !by_plan_rate_.contains(per_minute)) by_plan_rate_.clear();
    const rate r{static_cast<std::uint32_t>(per_minute), /*on_loopback=*/true};
    return by_plan_rate_.try_emplace(per_minute, "calls-of-plan", r).first->second;
}

call_limits::ruling call_limits::take_call_without_key(std::string_view address, auth::steady_time now) {
    const auto group = auth::address_group(address);
    const asked all[] = {{without_key_, group}, {by_address_, group}};
    return take(all, address, now);
}

call_limits::ruling call_limits::take_registration(std::string_view address, auth::steady_time now) {
    const auto group = auth::address_group(address);
    const asked all[] = {{registrations_, group}, {without_key_, group}, {by_address_, group}};
    return take(all, address, now);
}

call_limits::ruling call_limits::take_sign_in(std::string_view email, std::string_view address, auth::steady_time now) {
    const auto group = auth::address_group(address);
    const asked all[] = {{sign_in_by_address_, group}, {sign_in_by_email_, email}};
    return take(all, address, now);
}

void call_limits::give_back_sign_in(std::string_view email, std::string_view address, auth::steady_time now) {
    sign_in_by_address_.buckets.at(auth::address_group(address), now).give_back(now);
    sign_in_by_email_.buckets.at(email, now).give_back(now);
}

bool call_limits::is_guessing(std::string_view email, std::string_view address, auth::steady_time now) {
    const auto left = std::min(sign_in_by_address_.buckets.at(auth::address_group(address), now).left(now),
                               sign_in_by_email_.buckets.at(email, now).left(now));
    return left <= sign_in_by_email_.rule.per_minute / 2;
}

call_limits::refusal call_limits::check_wrong_keys(std::string_view address, auth::steady_time now) {
    if (wrong_keys_.spares(address)) return std::nullopt;
    const auto wait = wrong_keys_.buckets.at(auth::address_group(address), now).wait(now);
    if (wait.count() == 0) return std::nullopt;
    return whole_seconds(wait);
}

void call_limits::note_wrong_key(std::string_view address, auth::steady_time now) {
    if (!wrong_keys_.spares(address)) wrong_keys_.buckets.at(auth::address_group(address), now).take(now);
}

}  // namespace instatunnel::service
