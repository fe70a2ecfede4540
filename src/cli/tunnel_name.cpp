#include "tunnel_name.hpp"

#include "instatunnel/base/names.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {

outcome<std::string> read_tunnel_name(const std::string& text) {
    auto name = to_lower(text);
    if (!name.empty() && !is_dns_label(name))
        return failure(errc::malformed_name,
                       "\"" + printable(text.substr(0, 80)) +
                           "\" is not a usable name: 1 to 63 letters, digits or hyphens, no hyphen at "
                           "either end");
    return name;
}

}  // namespace instatunnel::cli
