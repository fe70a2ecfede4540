#include "account_limits.hpp"

#include <algorithm>

namespace instatunnel::service {
namespace {

constexpr std::size_t max_account_buckets = 16384;

account_limits::refusal take(auth::token_bucket& bucket, auth::steady_time now) {
    if (bucket.take(now)) return std::nullopt;
    return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(bucket.wait(now)));
}

}  // namespace

account_limits::account_limits()
    : sign_ups_by_address_({sign_ups_at_once, sign_up_every}, max_account_buckets),
      mails_by_email_({mails_at_once, mail_every}, max_account_buckets),
      mails_by_address_({mail_requests_at_once, mail_request_every}, max_account_buckets),
      device_codes_({device_codes_at_once, device_code_every}, max_account_buckets) {}

account_limits::refusal account_limits::take_sign_up(std::string_view address, auth::steady_time now) {
    if (auth::is_loopback(address)) return std::nullopt;
    return take(sign_ups_by_address_.at(auth::address_group(address), now), now);
}

account_limits::refusal account_limits::take_mail(std::string_view email, std::string_view address,
                                                  auth::steady_time now) {
    auto& from_address = mails_by_address_.at(auth::address_group(address), now);
    if (auto refused = take(from_address, now)) return refused;
    auto refused = take(mails_by_email_.at(email, now), now);
    if (refused) from_address.give_back(now);
    return refused;
}

account_limits::refusal account_limits::take_device_code(std::string_view user_id, std::string_view address,
                                                         auth::steady_time now) {
    if (auto refused = take(device_codes_.at(user_id, now), now)) return refused;
    if (auth::is_loopback(address)) return std::nullopt;
    return take(device_codes_.at(auth::address_group(address), now), now);
}

}  // namespace instatunnel::service
