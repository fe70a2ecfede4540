#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"

/// People who are signed in to the service's pages, and what they sign in with beside a password.
namespace instatunnel::store {

struct web_session {
    std::string id;      ///< "ses_…"
    std::string digest;  ///< HMAC-SHA-256 of the cookie
    std::string user_id;
    std::string account_id;
    std::string address;
    std::string agent;  ///< User-Agent, bounded and printable
    wall_time created_at{};
    wall_time last_seen_at{};
    wall_time expires_at{};
};

/// A second factor by time-based codes (RFC 6238).
struct two_factor {
    std::string user_id;
    std::string sealed_secret;  ///< encrypted with a key outside the database
    std::optional<wall_time> confirmed_at;
    std::int64_t last_step = 0;  ///< of the last code that was accepted: none counts twice
};

/// An account at an outside identity provider.
struct outside_identity {
    std::string issuer;
    std::string subject;
    std::string user_id;
    std::string email;
    wall_time created_at{};
};

class session_store {
public:
    virtual ~session_store() = default;

    virtual outcome<void> add_web_session(const web_session& session) = 0;
    /// Expired ones too.
    virtual outcome<std::optional<web_session>> find_web_session(std::string_view digest) = 0;
    /// Newest use first.
    virtual outcome<std::vector<web_session>> list_web_sessions(std::string_view user_id) = 0;
    virtual outcome<void> touch_web_session(std::string_view id, wall_time now) = 0;
    /// Errors: not_found.
    virtual outcome<void> remove_web_session(std::string_view user_id, std::string_view id) = 0;
    /// All of a person but `except` (an id, may be empty).
    virtual outcome<void> remove_web_sessions(std::string_view user_id, std::string_view except) = 0;
    virtual outcome<void> purge_web_sessions(wall_time limit) = 0;

    /// Adds or replaces.
    virtual outcome<void> put_two_factor(const two_factor& factor) = 0;
    virtual outcome<std::optional<two_factor>> find_two_factor(std::string_view user_id) = 0;
    /// True for the first code of `step` or a later one: nobody uses a code twice. Errors: not_found.
    virtual outcome<bool> use_two_factor_step(std::string_view user_id, std::int64_t step) = 0;
    /// With the recovery codes.
    virtual outcome<void> remove_two_factor(std::string_view user_id) = 0;
    /// Replaces all of a person.
    virtual outcome<void> put_recovery_codes(std::string_view user_id, const std::vector<std::string>& digests) = 0;
    /// True if there was one; it is gone then.
    virtual outcome<bool> use_recovery_code(std::string_view user_id, std::string_view digest) = 0;
    virtual outcome<std::uint64_t> count_recovery_codes(std::string_view user_id) = 0;

    /// Errors: already_exists.
    virtual outcome<void> add_identity(const outside_identity& identity) = 0;
    virtual outcome<std::optional<outside_identity>> find_identity(std::string_view issuer,
                                                                   std::string_view subject) = 0;
    virtual outcome<std::vector<outside_identity>> list_identities(std::string_view user_id) = 0;
    /// Errors: not_found.
    virtual outcome<void> remove_identity(std::string_view user_id, std::string_view issuer,
                                          std::string_view subject) = 0;
};

}  // namespace instatunnel::store
