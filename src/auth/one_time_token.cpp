#include "instatunnel/auth/one_time_token.hpp"

#include <algorithm>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t token_length = 43;  // 43 × log2 62 = 256.03 bits

}  // namespace

secret make_one_time_token() {
    return secret(random_base62(token_length));
}

bool is_one_time_token(std::string_view text) noexcept {
    const auto allowed = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    return text.size() == token_length && std::ranges::all_of(text, allowed);
}

secret make_invitation_code() {
    return secret("inv_" + random_base62(16));
}

std::string one_time_digest(std::string_view token) {
    return sha256(token);
}

}  // namespace instatunnel::auth
