#include "instatunnel/auth/access_token.hpp"

#include <algorithm>

namespace instatunnel::auth {

bool is_access_token(std::string_view text) noexcept {
    constexpr std::string_view prefix = "ita_";
    constexpr std::size_t characters = 40;
    return text.size() == prefix.size() + characters && text.starts_with(prefix) &&
           std::ranges::all_of(text.substr(prefix.size()), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
           });
}

}  // namespace instatunnel::auth
