#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "instatunnel/wire/http1.hpp"

namespace instatunnel::files {

/// What identifies a version of a file (RFC 9110 §8.8).
struct validators {
    std::string etag;  ///< with quotes, and W/ where it is weak
    std::chrono::sys_seconds modified{};
    bool is_strong = false;  ///< equal validators mean equal bytes
};

/// What tells that a file has changed. `changed` is the time that nobody can set back: a build that gives all its files
/// one date still gets new validators.
struct file_version {
    std::uint64_t size = 0;
    std::chrono::sys_time<std::chrono::nanoseconds> modified{};
    std::chrono::sys_time<std::chrono::nanoseconds> changed{};
};

/// A file that changed less than two seconds ago may change again without its times showing it: its validators are
/// weak.
validators make_validators(const file_version& file, std::chrono::sys_seconds now);

enum class condition_verdict : std::uint8_t { proceed, not_modified, failed };

/// If-Match, If-None-Match and their dates, in the order of RFC 9110 §13.2.2, for a GET or HEAD of a file that exists.
condition_verdict check_conditions(const std::vector<wire::field>& fields, const validators& current,
                                   std::chrono::sys_seconds now);

/// The `Range` field if there is exactly one and If-Range, where given, names this very version (RFC 9110 §13.1.5);
/// else empty: the whole file is to be sent.
std::string_view usable_range(const std::vector<wire::field>& fields, const validators& current,
                              std::chrono::sys_seconds now);

}  // namespace instatunnel::files
