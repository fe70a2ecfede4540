#include "instatunnel/auth/pkce.hpp"

#include <algorithm>
#include <array>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::size_t digest_bytes = 32;

bool is_unreserved(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

}  // namespace

bool is_code_verifier(std::string_view text) noexcept {
    return text.size() >= 43 && text.size() <= 128 && std::ranges::all_of(text, is_unreserved);
}

bool is_code_challenge(std::string_view text) {
    const auto digest = text.size() == 43 ? from_base64url(text) : std::nullopt;
    return digest && digest->size() == digest_bytes;
}

std::string code_challenge(std::string_view verifier) {
    return to_base64url(sha256(verifier));
}

secret make_code_verifier() {
    std::array<unsigned char, digest_bytes> bytes{};
    fill_random(bytes);
    return secret(to_base64url({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

}  // namespace instatunnel::auth
