#include "admin_data.hpp"

#include "instatunnel/auth/email.hpp"

namespace instatunnel::service {

outcome<store::user> find_user_by_email(store::store& data, const std::string& email) {
    const auto address = auth::normalise_email(email);
    if (!address)
        return failure(errc::usage, "\"" + email.substr(0, 80) + "\" is not an email address",
                       "Write it like user@example.com");
    auto found = data.find_user_by_email(*address);
    if (!found) return found.error();
    if (*found) return std::move(**found);
    return failure(errc::not_found, "There is no user " + *address, "See them with: instatunnel admin user ls");
}

}  // namespace instatunnel::service
