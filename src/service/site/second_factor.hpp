#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../tuning.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

/// Codes of an authenticator app beside the password (RFC 6238), with recovery codes for the day when it is lost. On
/// the service's thread. Whoever asks for codes counts the tries.
class second_factor {
public:
    /// All outlive the object.
    second_factor(store::store& data, const secret& pepper, const tuning& t)
        : store_(data), pepper_(pepper), tuning_(t) {}

    outcome<bool> is_on(const std::string& user_id);

    /// A secret that does not count before confirm(). The one that was begun before is replaced. Errors: already_exists
    /// (it is on).
    outcome<secret> begin(const std::string& user_id);
    /// The secret that was begun; nullopt: none, or it is on already.
    outcome<std::optional<secret>> begun(const std::string& user_id);
    /// True: it is on from now, and `recovery` holds ten codes, shown this once. Inside the caller's transaction.
    outcome<bool> confirm(const std::string& user_id, std::string_view code, std::vector<secret>& recovery);
    outcome<std::vector<secret>> renew_recovery_codes(const std::string& user_id);

    /// A code of the app that was not used before, or a recovery code, which is gone then.
    outcome<bool> accept(const std::string& user_id, std::string_view code);
    outcome<std::uint64_t> recovery_codes_left(const std::string& user_id);
    outcome<void> turn_off(const std::string& user_id) { return store_.remove_two_factor(user_id); }

private:
    outcome<std::optional<secret>> secret_of(const store::two_factor& factor) const;

    store::store& store_;
    const secret& pepper_;
    const tuning& tuning_;
};

}  // namespace instatunnel::service
