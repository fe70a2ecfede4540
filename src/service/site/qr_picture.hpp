#pragma once

#include <string>
#include <string_view>

namespace instatunnel::service {

/// `text` as a QR code in SVG that stands inside a page; `label` is what screen readers say. Empty if it is too long
/// for one.
std::string qr_picture(std::string_view text, std::string_view label);

}  // namespace instatunnel::service
