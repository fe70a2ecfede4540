#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>

#include "call.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/records.hpp"

namespace instatunnel::service {

/// A new password by a link, as the API and the page behind the link both take it.
struct reset_wish {
    secret token;
    secret password;
    store::key_group revoke = store::key_group::by_sign_in;
};

struct reset_result {
    std::optional<api_error> error;
    std::size_t revoked = 0;  ///< keys that ended with the old password
};

using reset_done = std::function<void(const reset_result&)>;

/// "none", "sign_in" or "all".
std::optional<store::key_group> to_key_group(std::string_view word);
/// 422, the same for every reason.
api_error link_is_dead();

}  // namespace instatunnel::service
