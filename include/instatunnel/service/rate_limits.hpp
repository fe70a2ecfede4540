#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::service {

/// How often something may be done in a minute. All of it may come at once; what was used is back a minute later.
struct rate {
    std::uint32_t per_minute = 0;
    bool on_loopback = false;  ///< holds for callers of the same machine as well
    bool strict = false;       ///< in any minute, not on the average: for what somebody could guess
};

/// Everything of the API and of tunnel admission that is counted. docs/design/limits.md lists the values.
struct rate_limits {
    rate calls_per_key{600};
    rate calls_per_account{1200};
    rate calls_per_address{2400};      ///< with and without a key
    rate calls_without_key{120};       ///< of one address
    rate sign_ins{10, true, true};     ///< wrong ones, of one email and of one address
    rate registrations{20};            ///< tries of one address
    rate wrong_keys{10, false, true};  ///< tunnel clients of one address
};

bool is_rate_limit_name(std::string_view name) noexcept;
/// "calls-per-key, calls-per-account, …"
std::string rate_limit_names();

/// "NAME=VALUE" as in `serve --limit`: NAME is a member's name with hyphens ("calls-per-key"), VALUE 1 to 1,000,000 a
/// minute. A limit that was set holds for loopback too: whoever names it means it. Errors: usage.
outcome<void> set_rate_limit(rate_limits& limits, std::string_view text);

}  // namespace instatunnel::service
