#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "instatunnel/auth/token_bucket.hpp"

namespace instatunnel::service {

inline constexpr double sign_ups_at_once = 20;
inline constexpr std::chrono::minutes sign_up_every{3};
inline constexpr double mails_at_once = 3;
inline constexpr std::chrono::minutes mail_every{10};
inline constexpr double mail_requests_at_once = 10;
inline constexpr std::chrono::minutes mail_request_every{1};
inline constexpr double device_codes_at_once = 10;
inline constexpr std::chrono::seconds device_code_every{12};

/// How often accounts may be made and mails be asked for. On the service's thread. Each take_… counts one and returns
/// how long to wait instead if it must be refused.
class account_limits {
public:
    using refusal = std::optional<std::chrono::seconds>;

    account_limits();

    /// New accounts from one address: 20 at once, then one every 3 minutes. Callers of the same machine are left alone.
    refusal take_sign_up(std::string_view address, auth::steady_time now);
    /// Mails to one email (3 at once, then one every 10 minutes) that one address asks for (10 at once, then one a
    /// minute), whether the email has an account or not.
    refusal take_mail(std::string_view email, std::string_view address, auth::steady_time now);
    /// Codes of devices that one person, or one address, types (10 at once, then 5 a minute): guessing one of 20^8
    /// takes longer than a code lives (RFC 8628 §5.1).
    refusal take_device_code(std::string_view user_id, std::string_view address, auth::steady_time now);

private:
    auth::bucket_table sign_ups_by_address_;
    auth::bucket_table mails_by_email_;
    auth::bucket_table mails_by_address_;
    auth::bucket_table device_codes_;
};

}  // namespace instatunnel::service
