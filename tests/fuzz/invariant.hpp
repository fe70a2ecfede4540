#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace instatunnel::fuzz {

/// Ends the process, so that libFuzzer keeps the input, when a promise of the code under test does not hold.
inline void require(bool holds, const char* promise) {
    if (holds) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

/// A copy in memory of exactly its size: AddressSanitizer sees one byte read too far.
class exact_copy {
public:
    explicit exact_copy(std::string_view text) : size_(text.size()), bytes_(new char[text.size()]) {
        text.copy(bytes_.get(), size_);
    }
    char* data() noexcept { return bytes_.get(); }
    std::string_view view() const noexcept { return {bytes_.get(), size_}; }

private:
    std::size_t size_;
    std::unique_ptr<char[]> bytes_;
};

inline bool lies_within(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// The first byte of an input steers the target (sizes of pieces, options); the rest is what it parses.
struct steered_input {
    std::uint8_t steer = 0;
    std::string_view text;

    steered_input(const std::uint8_t* data, std::size_t size) {
        if (size == 0) return;
        steer = data[0];
        text = {reinterpret_cast<const char*>(data) + 1, size - 1};
    }
    /// 1 to 32 bytes a piece.
    std::size_t piece() const noexcept { return 1U + (steer & 31U); }
    bool option(unsigned n) const noexcept { return (steer >> (5 + n) & 1) != 0; }
};

}  // namespace instatunnel::fuzz
