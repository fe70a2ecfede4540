#include "text_table.hpp"

#include <algorithm>

#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

// Characters, not bytes: names may hold any letters.
std::size_t width(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char ch) { return (static_cast<unsigned char>(ch) & 0xc0) != 0x80; }));
}

}  // namespace

void text_table::add(std::vector<std::string> cells) {
    for (auto& cell : cells)
        cell = printable(cell);
    rows_.push_back(std::move(cells));
}

std::vector<std::string> text_table::lines() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], width(row[i]));
    std::vector<std::string> lines;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    }
    return lines;
}

}  // namespace instatunnel::cli
