#include "csv_line.hpp"

#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

// https://owasp.org/www-community/attacks/CSV_Injection
std::string cell(const std::string& text) {
    const bool formula = !text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos;
    const auto clean = std::string(formula ? 1 : 0, '\'') + printable(text);
    if (clean.find_first_of(",\"' ;") == std::string::npos) return clean;
    std::string quoted(1, '"');
    for (const char c : clean) {
        if (c == '"') quoted += c;
        quoted += c;
    }
    quoted += '"';
    return quoted;
}

}  // namespace

std::string csv_line(std::initializer_list<std::string> cells) {
    std::string line;
    bool first = true;
    for (const auto& text : cells) {
        if (!first) line += ',';
        first = false;
        line += cell(text);
    }
    return line;
}

}  // namespace instatunnel::cli
