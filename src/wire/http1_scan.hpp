#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/// Byte classes of HTTP/1.1 and the loops that skip over them: the inner loops of every parser in this folder.
namespace instatunnel::wire::http1 {

enum byte_class : std::uint8_t {
    token_byte = 1,   ///< RFC 9110 §5.6.2 tchar
    value_byte = 2,   ///< RFC 9110 §5.5: HTAB, SP, VCHAR, obs-text
    target_byte = 4,  ///< visible ASCII but '#': a target has no fragment (RFC 9112 §3.2)
    host_byte = 8,    ///< letters, digits and "-._~": the names and addresses that can be routed
};

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
    std::array<std::uint8_t, 256> classes{};
    for (int c = 0; c < 256; ++c) {
        const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        const auto in = [c](std::string_view set) {
            return c < 128 && set.find(static_cast<char>(c)) != std::string_view::npos;
        };
        std::uint8_t bits = 0;
        if (alphanumeric || in("!#$%&'*+-.^_`|~")) bits |= token_byte;
        if (c == '\t' || (c >= 0x20 && c != 0x7f)) bits |= value_byte;
        if (c > 0x20 && c < 0x7f && c != '#') bits |= target_byte;
        if (alphanumeric || in("-._~")) bits |= host_byte;
        classes[static_cast<std::size_t>(c)] = bits;
    }
    return classes;
}

inline constexpr std::array<std::uint8_t, 256> byte_classes = make_byte_classes();

constexpr bool is(char c, byte_class wanted) noexcept {
    return (byte_classes[static_cast<unsigned char>(c)] & wanted) != 0;
}
constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

/// The first byte of [p, end) that is not of the class, or `end`.
inline const char* skip(const char* p, const char* end, byte_class wanted) noexcept {
    while (p != end && is(*p, wanted))
        ++p;
    return p;
}

#if defined(__SSE2__)
namespace sse {

inline unsigned not_value_bytes(__m128i block) noexcept {
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    const __m128i tab = _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(tab, control), del)));
}

inline unsigned not_target_bytes(__m128i block) noexcept {
    // The compare is signed: bytes from 0x80 on count as too small, as they should.
    const __m128i visible = _mm_cmpgt_epi8(block, _mm_set1_epi8(0x20));
    const __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    const __m128i hash = _mm_cmpeq_epi8(block, _mm_set1_epi8('#'));
    const __m128i good = _mm_andnot_si128(_mm_or_si128(del, hash), visible);
    return static_cast<unsigned>(_mm_movemask_epi8(good)) ^ 0xffffu;
}

/// Bytes that are no letter, digit or hyphen: other bytes of tokens are among them.
inline unsigned not_plain_token_bytes(__m128i block) noexcept {
    // Moved so that the first of a range is the lowest signed byte: one compare then tells who is in it.
    const auto in_range = [](__m128i bytes, char first, char count) {
        const __m128i moved = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(first + 128)));
        return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(count - 128)));
    };
    const __m128i letter = in_range(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 26);
    const __m128i digit = in_range(block, '0', 10);
    const __m128i hyphen = _mm_cmpeq_epi8(block, _mm_set1_epi8('-'));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), hyphen))) ^ 0xffffu;
}

/// Whole blocks of 16 bytes only, so that nothing behind `end` is read. True when a byte outside the class was found.
template <unsigned (*Outside)(__m128i) noexcept>
bool find_outside(const char*& p, const char* end) noexcept {
    for (; end - p >= 16; p += 16) {
        const unsigned mask = Outside(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
        if (mask != 0) {
            p += std::countr_zero(mask);
            return true;
        }
    }
    return false;
}

}  // namespace sse
#endif

inline const char* skip_value(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    if (sse::find_outside<sse::not_value_bytes>(p, end)) return p;
#endif
    return skip(p, end, value_byte);
}

inline const char* skip_target(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    if (sse::find_outside<sse::not_target_bytes>(p, end)) return p;
#endif
    return skip(p, end, target_byte);
}

/// The same for tokens, of which nearly all bytes in names of fields are letters, digits and hyphens.
inline const char* skip_token(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
    if (sse::find_outside<sse::not_plain_token_bytes>(p, end) && !is(*p, token_byte)) return p;
#endif
    return skip(p, end, token_byte);
}

/// Case-insensitive; `lower` holds lower-case letters, digits and hyphens only, `text` no control bytes (those are
/// what setting bit 5 would turn into digits and hyphens).
constexpr bool equals_lower(std::string_view text, std::string_view lower) noexcept {
    if (text.size() != lower.size()) return false;
    if (!std::is_constant_evaluated() && text.size() >= 8) {
        // Eight bytes at a time; the last eight may overlap those before them.
        const auto differ = [&](std::size_t at) {
            std::uint64_t a = 0, b = 0;
            std::memcpy(&a, text.data() + at, sizeof a);
            std::memcpy(&b, lower.data() + at, sizeof b);
            return (a | 0x2020202020202020u) ^ b;
        };
        std::uint64_t difference = differ(text.size() - 8);
        for (std::size_t i = 0; i + 8 < text.size(); i += 8)
            difference |= differ(i);
        return difference == 0;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((text[i] | 0x20) != lower[i]) return false;
    }
    return true;
}

/// The value without the optional blanks around it (RFC 9110 §5.6.3).
constexpr std::string_view trim_blanks(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

/// Calls `visit` with each non-empty member of a comma-separated list (RFC 9110 §5.6.1.2) until it returns false.
/// False if `visit` did.
template <class Visit>
constexpr bool for_each_member(std::string_view list, Visit&& visit) {
    for (;;) {
        const auto comma = list.find(',');
        const auto member = trim_blanks(list.substr(0, comma));
        if (!member.empty() && !visit(member)) return false;
        if (comma == std::string_view::npos) return true;
        list.remove_prefix(comma + 1);
    }
}

}  // namespace instatunnel::wire::http1
