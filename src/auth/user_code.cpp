#include "instatunnel/auth/user_code.hpp"

#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::string_view letters = "BCDFGHJKLMNPQRSTVWXZ";
constexpr std::size_t length = 8;

std::string with_hyphen(std::string code) {
    return code.insert(length / 2, "-");
}

}  // namespace

std::string make_user_code() {
    std::string code;
    for (std::size_t i = 0; i < length; ++i)
        code += letters[random_below(letters.size())];
    return with_hyphen(std::move(code));
}

std::optional<std::string> normalise_user_code(std::string_view typed) {
    std::string code;
    for (char c : typed.substr(0, 64)) {
        if (c == '-' || c == ' ') continue;
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        if (letters.find(c) == std::string_view::npos) return std::nullopt;
        code += c;
    }
    if (code.size() != length) return std::nullopt;
    return with_hyphen(std::move(code));
}

}  // namespace instatunnel::auth
