#pragma once

#include <string_view>

namespace instatunnel::service {

/// The one style sheet; it stands inside every page, and the policy of the pages names its digest.
extern const std::string_view page_style;

}  // namespace instatunnel::service
