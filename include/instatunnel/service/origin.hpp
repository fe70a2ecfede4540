#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::service {

/// A web origin exactly as browsers send it (RFC 6454 §6.2): scheme http or https, host, and the port unless it is the
/// scheme's own; lower case, nothing behind it, no wildcard. Errors: usage, with what is wrong.
outcome<std::string> check_origin(std::string_view text);

}  // namespace instatunnel::service
