#include "cli/qr_code.hpp"

#include <qrencode.h>

#include <catch2/catch.hpp>
#include <memory>

using instatunnel::cli::qr_lines;

namespace {

const std::string address = "https://t.example.com/device?c=WDJB-MJHT";

/// The drawing taken apart: one row of light (true) and dark modules each.
std::vector<std::vector<bool>> modules_of(const std::vector<std::string>& lines) {
    std::vector<std::vector<bool>> rows;
    for (const auto& line : lines) {
        std::vector<bool> upper, lower;
        for (std::size_t i = 0; i < line.size();) {
            const std::string glyph = line[i] == ' ' ? " " : line.substr(i, 3);
            REQUIRE((glyph == " " || glyph == "█" || glyph == "▀" || glyph == "▄"));
            upper.push_back(glyph == "█" || glyph == "▀");
            lower.push_back(glyph == "█" || glyph == "▄");
            i += glyph.size();
        }
        rows.push_back(std::move(upper));
        rows.push_back(std::move(lower));
    }
    return rows;
}

}  // namespace

TEST_CASE("a QR code is drawn module by module, in its quiet zone") {
    const std::unique_ptr<QRcode, void (*)(QRcode*)> code(QRcode_encodeString8bit(address.c_str(), 0, QR_ECLEVEL_L),
                                                          QRcode_free);
    const auto rows = modules_of(qr_lines(address, false, 0));
    const int width = code->width;
    REQUIRE(rows.size() >= static_cast<std::size_t>(width + 8));
    for (int row = 0; row < static_cast<int>(rows.size()); ++row) {
        REQUIRE(rows[static_cast<std::size_t>(row)].size() == static_cast<std::size_t>(width + 8));
        for (int column = 0; column < width + 8; ++column) {
            const int y = row - 4, x = column - 4;
            const bool inside = y >= 0 && x >= 0 && y < width && x < width;
            const bool is_dark = inside && (code->data[y * width + x] & 1) != 0;
            REQUIRE(rows[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)] == !is_dark);
        }
    }
}

TEST_CASE("a QR code is left out where it does not fit") {
    const auto width = modules_of(qr_lines(address, false, 0)).front().size();
    CHECK(qr_lines(address, false, width - 1).empty());
    CHECK_FALSE(qr_lines(address, false, width).empty());
    CHECK(qr_lines(std::string(5000, 'x'), false, 0).empty());
}

TEST_CASE("with colour a QR code is white on black whatever the terminal's colours are") {
    for (const auto& line : qr_lines(address, true, 0)) {
        CHECK(line.starts_with("\x1b[38;5;231;48;5;16m"));
        CHECK(line.ends_with("\x1b[0m"));
    }
}
