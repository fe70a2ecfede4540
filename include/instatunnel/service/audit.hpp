#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"

/// The audit log as the owner of an edge reads it, on the data folder, also while the edge runs.
namespace instatunnel::service {

/// One security event.
struct audit_row {
    std::uint64_t seq = 0;
    wall_time at{};
    std::string actor_kind;  ///< "user", "key", "admin", "system" or "anonymous"
    std::string actor;
    std::string account_id;
    std::string action;
    std::string target;
    std::string address;
    std::string result;  ///< "ok" or "refused"
    std::string detail;  ///< JSON object
    std::string hash;    ///< hexadecimal
};

/// Empty members ask for nothing.
struct audit_query {
    std::optional<std::chrono::seconds> age;  ///< not older than this
    std::string action;                       ///< "login.failed", or "login" for all of its kind
    std::string account;                      ///< email or "acc_…": what concerns it
    std::string actor;                        ///< email (the user and the keys of the account), or the id of one actor
};

/// The last `limit` events, oldest first. Errors: file_missing (no data in the folder), not_found (no account has that
/// email), store_failed, file_permission.
outcome<std::vector<audit_row>> list_audit(const std::filesystem::path& folder, const audit_query& query,
                                           std::uint64_t limit);

/// Hands over all events, oldest first, until `take` returns false. Bounded memory. Errors: those of list_audit.
outcome<void> export_audit(const std::filesystem::path& folder, const audit_query& query,
                           const std::function<bool(const audit_row&)>& take);

struct audit_verdict {
    bool whole = false;
    std::uint64_t first = 0;    ///< number of the first record; older ones were cut off by --audit-keep
    std::uint64_t last = 0;     ///< number of the last one
    std::string last_hash;      ///< hexadecimal; note LAST:HASH elsewhere and verify against it later
    std::uint64_t records = 0;  ///< that were checked
    std::uint64_t broken_at = 0;
    std::string reason;  ///< what does not fit, as a sentence; empty if whole
};

/// Checks every record, where the log begins and where it ends. `noted`: "NUMBER:HASH" of an earlier verdict that the
/// log must still hold; empty: none. Errors: usage (`noted` is nothing of the kind), those of list_audit.
outcome<audit_verdict> verify_audit(const std::filesystem::path& folder, const std::string& noted);

}  // namespace instatunnel::service
