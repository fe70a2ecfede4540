#pragma once

#include <string_view>

namespace instatunnel::files {

/// The media type of a file by the extension of its name, text with `charset=utf-8`; `application/octet-stream` for
/// extensions that are not known and names without one. A table of our own: not every machine has one, and the same
/// file must not be served differently by another. Static text.
std::string_view media_type_of(std::string_view file_name) noexcept;

}  // namespace instatunnel::files
