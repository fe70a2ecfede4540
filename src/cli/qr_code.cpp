#include "qr_code.hpp"

#include <qrencode.h>

#include <memory>

namespace instatunnel::cli {
namespace {

constexpr int quiet_zone = 4;  // ISO/IEC 18004 §9.1
constexpr const char* white_on_black = "\x1b[38;5;231;48;5;16m";
constexpr const char* as_before = "\x1b[0m";

struct code_deleter {
    void operator()(QRcode* code) const noexcept { QRcode_free(code); }
};

// Outside of the code everything is light.
bool is_light(const QRcode& code, int row, int column) {
    if (row < 0 || column < 0 || row >= code.width || column >= code.width) return true;
    return (code.data[row * code.width + column] & 1) == 0;
}

const char* block(bool upper, bool lower) {
    if (upper) return lower ? "█" : "▀";
    return lower ? "▄" : " ";
}

}  // namespace

std::vector<std::string> qr_lines(const std::string& text, bool colour, std::size_t columns) {
    const std::unique_ptr<QRcode, code_deleter> code(
        QRcode_encodeString8bit(text.c_str(), /*version=*/0, QR_ECLEVEL_L));
    if (code == nullptr) return {};
    const int end = code->width + quiet_zone;
    if (columns != 0 && static_cast<std::size_t>(end + quiet_zone) > columns) return {};
    std::vector<std::string> lines;
    for (int row = -quiet_zone; row < end; row += 2) {
        std::string line = colour ? white_on_black : "";
        for (int column = -quiet_zone; column < end; ++column)
            line += block(is_light(*code, row, column), is_light(*code, row + 1, column));
        lines.push_back(line + (colour ? as_before : ""));
    }
    return lines;
}

}  // namespace instatunnel::cli
