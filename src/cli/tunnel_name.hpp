#pragma once

#include <string>

#include "instatunnel/base/error.hpp"

namespace instatunnel::cli {

/// What --subdomain says, in lower case; empty stays empty. Errors: malformed_name.
outcome<std::string> read_tunnel_name(const std::string& text);

}  // namespace instatunnel::cli
