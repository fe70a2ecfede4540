#include "instatunnel/base/random.hpp"

#include <openssl/rand.h>

#include <array>
#include <cstdlib>

namespace instatunnel {

void fill_random(std::span<unsigned char> out) {
    if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) std::abort();
}

std::uint64_t random_u64() {
    std::array<unsigned char, 8> bytes{};
    fill_random(bytes);
    std::uint64_t value = 0;
    for (const auto byte : bytes)
        value = value << 8 | byte;
    return value;
}

std::uint64_t random_below(std::uint64_t bound) {
    // Values past the last whole multiple of `bound` would favour small results: draw again.
    const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    std::uint64_t value = 0;
    do
        value = random_u64();
    while (value >= limit);
    return value % bound;
}

std::string random_base62(std::size_t length) {
    static constexpr char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string text(length, '0');
    for (auto& c : text)
        c = alphabet[random_below(62)];
    return text;
}

}  // namespace instatunnel
