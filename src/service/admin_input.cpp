#include "admin_input.hpp"

#include "instatunnel/auth/email.hpp"
#include "instatunnel/service/plans.hpp"

namespace instatunnel::service {

outcome<void> check_plan(const std::string& plan) {
    if (is_plan(plan)) return {};
    return failure(errc::usage, "There is no plan \"" + plan.substr(0, 80) + "\"", "Choose one: free, pro or business");
}

outcome<void> check_display_name(const std::string& name) {
    if (auth::is_display_name(name)) return {};
    return failure(errc::usage, "The name is empty, longer than 120 bytes or holds control characters",
                   "Choose another one");
}

outcome<store::user> find_account(store::store& data, const std::string& email_or_id) {
    const auto email = auth::normalise_email(email_or_id);
    auto found = email ? data.find_user_by_email(*email) : data.find_user(email_or_id);
    if (!found) return found.error();
    if (!*found)
        return failure(errc::not_found, "There is no user \"" + email_or_id.substr(0, 80) + "\"",
                       "See them with: instatunnel admin user ls");
    return std::move(**found);
}

}  // namespace instatunnel::service
