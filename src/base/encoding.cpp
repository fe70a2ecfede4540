#include "instatunnel/base/encoding.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstdint>

namespace instatunnel {
namespace {

const unsigned char* as_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

constexpr std::string_view base64url_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view base32_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

// Regroups 8-bit bytes to `bits`-bit letters; the last one is filled up with zero bits.
std::string regroup(std::string_view bytes, std::string_view letters, unsigned bits) {
    std::string text;
    text.reserve(bytes.size() * 8 / bits + 1);
    std::uint32_t held = 0;
    unsigned count = 0;
    for (const char c : bytes) {
        held = (held << 8) | static_cast<unsigned char>(c);
        for (count += 8; count >= bits; count -= bits)
            text += letters[(held >> (count - bits)) & ((1U << bits) - 1)];
    }
    if (count > 0) text += letters[(held << (bits - count)) & ((1U << bits) - 1)];
    return text;
}

}  // namespace

std::string to_hex(std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string to_base64(std::string_view bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends it with a zero byte
    const int length =
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), as_bytes(bytes), static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

std::string sha256(std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    SHA256(as_bytes(bytes), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()));
    return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    std::string digest(SHA256_DIGEST_LENGTH, '\0');
    unsigned int length = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(bytes), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()), &length);
    return digest;
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
    std::string digest(SHA_DIGEST_LENGTH, '\0');
    unsigned int length = 0;
    HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), as_bytes(bytes), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()), &length);
    return digest;
}

std::string websocket_accept(std::string_view key) {
    constexpr std::string_view guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 §1.3
    const auto text = std::string(key).append(guid);
    std::string digest(SHA_DIGEST_LENGTH, '\0');
    SHA1(as_bytes(text), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
    return to_base64(digest);
}

std::string to_base64url(std::string_view bytes) {
    return regroup(bytes, base64url_letters, 6);
}

std::optional<std::string> from_base64url(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t held = 0;
    unsigned count = 0;
    for (const char c : text) {
        const auto value = base64url_letters.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        held = (held << 6) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(held >> count);
    }
    // Two texts that mean the same bytes would let a token have two spellings.
    if (to_base64url(bytes) != text) return std::nullopt;
    return bytes;
}

std::string to_base32(std::string_view bytes) {
    return regroup(bytes, base32_letters, 5);
}

std::string escape_html(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            case '\'':
                escaped += "&#39;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

}  // namespace instatunnel
