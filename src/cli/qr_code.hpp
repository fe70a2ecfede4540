#pragma once

#include <string>
#include <vector>

namespace instatunnel::cli {

/// `text` as a QR code (ISO/IEC 18004) with its quiet zone, drawn with half blocks: two rows of it a line. With
/// `colour` it is white on black whatever the terminal's colours are; without, light is what the terminal writes with.
/// Empty if it does not fit: it is wider than `columns` (0: any width), or the text is too long for a QR code.
std::vector<std::string> qr_lines(const std::string& text, bool colour, std::size_t columns);

}  // namespace instatunnel::cli
