#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::service {

/// A form that came as a request's body (application/x-www-form-urlencoded), or a query. Of bounded size; what is not
/// well written counts as it stands. The values are secrets because passwords and tokens are among them.
class form_body {
public:
    explicit form_body(std::string_view text);

    /// Of the first member of this name; empty if there is none.
    const secret& value(std::string_view name) const noexcept;

private:
    std::vector<std::pair<std::string, secret>> members_;
};

}  // namespace instatunnel::service
