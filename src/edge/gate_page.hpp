#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instatunnel::edge {

/// The page that asks a visitor of `host` for the tunnel's password. It works without a script; `to` is where the
/// visitor wanted to go, `problem` (may be empty) why the last try did not work.
std::string gate_page(std::string_view host, std::string_view action, std::string_view to, std::string_view problem);

/// Fields that go with it: a policy of nothing but its own style and form, no caching, no frames.
const std::vector<std::pair<std::string, std::string>>& gate_page_fields();

}  // namespace instatunnel::edge
