#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "instatunnel/base/random.hpp"

using namespace instatunnel;

TEST_CASE("random text has its length, its alphabet, and does not repeat") {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::set<std::string> seen;
    std::set<char> letters;
    for (int i = 0; i < 200; ++i) {
        const auto text = random_base62(16);
        CHECK(text.size() == 16);
        CHECK(text.find_first_not_of(alphabet) == std::string::npos);
        CHECK(seen.insert(text).second);
        letters.insert(text.begin(), text.end());
    }
    // 3200 draws miss one letter of 62 with a probability below 10^-20.
    CHECK(letters.size() == 62);
    CHECK(random_base62(0).empty());
}

TEST_CASE("a bounded random number stays below its bound and reaches every value") {
    for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{10}}) {
        std::set<std::uint64_t> seen;
        for (int i = 0; i < 500; ++i)
            seen.insert(random_below(bound));
        CHECK(*seen.rbegin() == bound - 1);
        CHECK(seen.size() == bound);
    }
    CHECK(random_below(UINT64_MAX) < UINT64_MAX);
}

TEST_CASE("every byte of a buffer is filled") {
    std::array<bool, 32> changed{};
    for (int round = 0; round < 20; ++round) {
        std::array<unsigned char, 32> bytes{};
        fill_random(bytes);
        for (std::size_t i = 0; i < bytes.size(); ++i)
            changed[i] = changed[i] || bytes[i] != 0;
    }
    CHECK(std::ranges::all_of(changed, [](bool b) { return b; }));
    CHECK(random_u64() != random_u64());
}
