#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "instatunnel/base/clock.hpp"

namespace instatunnel::store {

/// One link of the audit log. The store keeps it as it is; what the hash covers is the writer's business.
struct audit_record {
    std::uint64_t seq = 0;  ///< 1, 2, 3, … without gaps
    wall_time at{};
    std::string actor_kind;  ///< "user", "key", "admin", "system" or "anonymous"
    std::string actor;       ///< "user_…", "key_…", login name of the admin; empty for the others
    std::string account_id;  ///< whose account it concerns; empty: none
    std::string action;      ///< "key.created"
    std::string target;      ///< what it was done to: an id, a name, an email
    std::string address;     ///< IP of the caller; empty: this machine
    std::string result;      ///< "ok" or "refused"
    std::string detail;      ///< JSON object
    std::string hash;        ///< 32 bytes; depends on everything above and on the hash before it
};

/// What is left of the records that were cut off the old end: the last of them. seq 0: nothing was cut.
struct audit_anchor {
    std::uint64_t seq = 0;
    std::string hash;  ///< of that record
    std::string seal;  ///< shows who wrote the anchor
};

/// Empty members ask for nothing.
struct audit_filter {
    std::uint64_t after = 0;
    std::uint64_t before = std::numeric_limits<std::int64_t>::max();
    std::optional<wall_time> since;
    std::string action;  ///< the whole word, or its first part: "login" finds "login.failed"
    std::string actor;
    std::string account_id;
    bool newest_first = false;
    std::uint64_t limit = 1000;
};

}  // namespace instatunnel::store
