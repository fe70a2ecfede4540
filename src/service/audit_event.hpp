#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/store/audit_records.hpp"

namespace instatunnel::service {

enum class actor_kind : std::uint8_t { user, key, client, admin, system, anonymous };

/// One thing that happened, in the words of the audit log. Never give it a key, a password or a token; all text is
/// bounded and freed of control characters and of what looks like a key when it is written.
///
///     audit_event("key.created").by(actor_kind::key, key.id).of(key.account_id).about(made.id).from(address)
class audit_event {
public:
    /// "noun.what_happened"
    explicit audit_event(std::string_view action) : action_(action) {}

    audit_event& by(actor_kind kind, std::string_view id = {});
    /// The account it concerns: its owner sees the record.
    audit_event& of(std::string_view account_id);
    /// What it was done to: an id, a name, an email.
    audit_event& about(std::string_view target);
    audit_event& from(std::string_view address);
    /// It was tried and did not happen; `why` is a stable word such as "wrong_password".
    audit_event& refused(std::string_view why);
    audit_event& with(std::string_view name, std::string_view value);
    audit_event& with(std::string_view name, std::uint64_t value);

    std::string_view action() const noexcept { return action_; }
    /// Without seq and hash.
    store::audit_record record(wall_time now) const;

private:
    struct member {
        std::string name;
        std::string text;
        std::uint64_t number = 0;
        bool is_text = true;
    };
    std::string action_;
    actor_kind kind_ = actor_kind::anonymous;
    std::string actor_;
    std::string account_id_;
    std::string target_;
    std::string address_;
    bool refused_ = false;
    std::vector<member> detail_;
};

std::string_view word_for(actor_kind kind) noexcept;

}  // namespace instatunnel::service
