#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/auth/token_bucket.hpp"

namespace instatunnel::service {

inline constexpr double calls_per_minute_per_key = 600;
inline constexpr double calls_per_minute_per_address = 120;
inline constexpr double wrong_tries_per_minute = 10;

/// How often whom may call. On the service's thread. Each take_… counts one call and returns how long to wait instead
/// if it must be refused; nothing is counted then. The general limits leave callers of the same machine alone; the one
/// on sign-in tries holds for everybody.
class call_limits {
public:
    using refusal = std::optional<std::chrono::seconds>;

    call_limits();

    refusal take_call_with_key(std::string_view key_id, std::string_view address, auth::steady_time now);
    refusal take_call_without_key(std::string_view address, auth::steady_time now);
    /// Counted before the password is checked, so that tries side by side cannot pass it; given back for a right one.
    refusal take_sign_in(std::string_view email, std::string_view address, auth::steady_time now);
    void give_back_sign_in(std::string_view email, std::string_view address, auth::steady_time now);
    /// Tunnel clients that come with wrong keys: may `address` try once more? Counted by note_wrong_key.
    refusal check_wrong_keys(std::string_view address, auth::steady_time now);
    void note_wrong_key(std::string_view address, auth::steady_time now);

private:
    auth::bucket_table by_key_;
    auth::bucket_table by_address_;
    auth::bucket_table sign_in_by_email_;
    auth::bucket_table sign_in_by_address_;
    auth::bucket_table wrong_keys_by_address_;
};

}  // namespace instatunnel::service
