#include "instatunnel/wire/grpc.hpp"

#include "instatunnel/base/names.hpp"

namespace instatunnel::wire {

bool is_grpc(std::string_view content_type) noexcept {
    constexpr std::string_view name = "application/grpc";
    if (!iequals(content_type.substr(0, name.size()), name)) return false;
    const auto rest = content_type.substr(name.size());
    return rest.empty() || rest.front() == '+' || rest.front() == ';' || rest.front() == ' ';
}

std::string grpc_message(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte <= 0x7E && c != '%') {
            out += c;
            continue;
        }
        out += '%';
        out += digits[byte >> 4];
        out += digits[byte & 0x0F];
    }
    return out;
}

}  // namespace instatunnel::wire
