#include "count.hpp"

#include <algorithm>

namespace instatunnel::cli {

outcome<std::uint64_t> parse_count(const std::string& text, const char* flag) {
    if (text.empty()) return std::uint64_t{0};
    const bool digits = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!digits || text.size() > 9)
        return failure(errc::usage, std::string(flag) + " must be a whole number",
                       "Write it like " + std::string(flag) + " 10");
    return std::uint64_t{std::stoul(text)};
}

}  // namespace instatunnel::cli
