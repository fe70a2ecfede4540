#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "instatunnel/auth/token_bucket.hpp"
#include "instatunnel/service/rate_limits.hpp"
#include "instatunnel/store/records.hpp"

namespace instatunnel::service {

/// What is left of one limit, as the RateLimit fields tell it.
struct quota {
    std::string_view name;
    std::uint64_t limit = 0;
    std::uint64_t remaining = 0;
    std::chrono::seconds reset{0};  ///< until all of it is back
};

/// How often whom may call. On the service's thread. Each take_… counts one call, or counts nothing and says how long
/// to wait. Limits that were not set leave callers of the same machine alone, but for the one on sign-ins.
class call_limits {
public:
    using refusal = std::optional<std::chrono::seconds>;
    struct ruling {
        refusal wait;
        quota tightest;  ///< of the limits that were asked: the one that refused, or the one with least left
    };

    explicit call_limits(const rate_limits& rates);

    /// `plan_rate`: calls in a minute that the account's plan allows; it holds for callers of the same machine too.
    ruling take_call_with_key(const store::api_key& key, std::optional<std::uint64_t> plan_rate,
                              std::string_view address, auth::steady_time now);
    ruling take_call_without_key(std::string_view address, auth::steady_time now);
    ruling take_registration(std::string_view address, auth::steady_time now);
    /// Counted before the password is checked, so that tries side by side cannot pass it; given back for a right one.
    ruling take_sign_in(std::string_view email, std::string_view address, auth::steady_time now);
    void give_back_sign_in(std::string_view email, std::string_view address, auth::steady_time now);
    /// Whether half of the tries of this email or address are used: then they are worth remembering over a restart.
    bool is_guessing(std::string_view email, std::string_view address, auth::steady_time now);
    /// Tunnel clients that come with wrong keys: may `address` try once more? Counted by note_wrong_key.
    refusal check_wrong_keys(std::string_view address, auth::steady_time now);
    void note_wrong_key(std::string_view address, auth::steady_time now);

private:
    struct counter {
        counter(std::string_view called, rate r);
        bool spares(std::string_view address) const { return !rule.on_loopback && auth::is_loopback(address); }
        quota left(auth::token_bucket& bucket, auth::steady_time now) const;

        std::string_view name;
        rate rule;
        auth::bucket_table buckets;
    };
    struct asked {
        counter& of;
        std::string_view whom;
    };
    static ruling take(std::span<const asked> all, std::string_view address, auth::steady_time now);

    counter& counter_of_plan(std::uint64_t per_minute);

    counter by_key_;
    counter by_account_;
    counter by_address_;
    counter without_key_;
    counter sign_in_by_email_;
    counter sign_in_by_address_;
    counter registrations_;
    counter wrong_keys_;
    std::map<std::uint64_t, counter> by_plan_rate_;
};

}  // namespace instatunnel::service
