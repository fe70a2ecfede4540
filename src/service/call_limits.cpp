#include "call_limits.hpp"

#include <algorithm>

namespace instatunnel::service {
namespace {

constexpr std::size_t max_buckets = 16384;

std::chrono::seconds whole_seconds(std::chrono::milliseconds wait) {
    return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(wait));
}

call_limits::refusal take(auth::token_bucket& bucket, auth::steady_time now) {
    if (bucket.take(now)) return std::nullopt;
    return whole_seconds(bucket.wait(now));
}

}  // namespace

call_limits::call_limits()
    : by_key_(auth::bucket_rule::per_minute(calls_per_minute_per_key), max_buckets),
      by_address_(auth::bucket_rule::per_minute(calls_per_minute_per_address), max_buckets),
      sign_in_by_email_(auth::bucket_rule::per_minute(wrong_tries_per_minute), max_buckets),
      sign_in_by_address_(auth::bucket_rule::per_minute(wrong_tries_per_minute), max_buckets),
      wrong_keys_by_address_(auth::bucket_rule::per_minute(wrong_tries_per_minute), max_buckets) {}

call_limits::refusal call_limits::take_call_with_key(std::string_view key_id, std::string_view address,
                                                     auth::steady_time now) {
    if (auth::is_loopback(address)) return std::nullopt;
    return take(by_key_.at(key_id, now), now);
}

call_limits::refusal call_limits::take_call_without_key(std::string_view address, auth::steady_time now) {
    if (auth::is_loopback(address)) return std::nullopt;
    return take(by_address_.at(auth::address_group(address), now), now);
}

call_limits::refusal call_limits::take_sign_in(std::string_view email, std::string_view address,
                                               auth::steady_time now) {
    auto& from_address = sign_in_by_address_.at(auth::address_group(address), now);
    if (auto refused = take(from_address, now)) return refused;
    auto refused = take(sign_in_by_email_.at(email, now), now);
    if (refused) from_address.give_back(now);
    return refused;
}

void call_limits::give_back_sign_in(std::string_view email, std::string_view address, auth::steady_time now) {
    sign_in_by_address_.at(auth::address_group(address), now).give_back(now);
    sign_in_by_email_.at(email, now).give_back(now);
}

call_limits::refusal call_limits::check_wrong_keys(std::string_view address, auth::steady_time now) {
    if (auth::is_loopback(address)) return std::nullopt;
    const auto wait = wrong_keys_by_address_.at(auth::address_group(address), now).wait(now);
    if (wait.count() == 0) return std::nullopt;
    return whole_seconds(wait);
}

void call_limits::note_wrong_key(std::string_view address, auth::steady_time now) {
    if (!auth::is_loopback(address)) wrong_keys_by_address_.at(auth::address_group(address), now).take(now);
}

}  // namespace instatunnel::service
