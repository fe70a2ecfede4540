#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "call.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::service {

/// What login and register both take. `error` is set when something of it cannot be used.
struct credentials {
    std::string email;  ///< normalised
    secret password;
    secret code;                        ///< login only: of the second factor
    std::string label;                  ///< of the key
    std::optional<std::string> invite;  ///< register only
    std::optional<api_error> error;
};

enum class needs_password : bool { no, yes };

credentials read_credentials(const call& c, needs_password password);

/// 422 naming `field` if the rules for new passwords refuse it.
std::optional<api_error> check_new_password(const secret& password, std::string_view email, std::string_view domain,
                                            const char* field = "password");

}  // namespace instatunnel::service
