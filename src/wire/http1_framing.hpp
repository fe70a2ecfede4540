#pragma once

#include <cstdint>
#include <string_view>

#include "http1_scan.hpp"
#include "instatunnel/wire/http1.hpp"

/// What the fields of a head say about its body and its connection.
namespace instatunnel::wire::http1 {

/// 1*DIGIT (RFC 9110 §8.6), at most 2^63 - 1. No sign, no list, no blanks.
inline bool parse_length(std::string_view text, std::uint64_t& length) noexcept {
    constexpr std::uint64_t max = INT64_MAX;
    if (text.empty()) return false;
    std::uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return false;
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (max - digit) / 10) return false;
        value = value * 10 + digit;
    }
    length = value;
    return true;
}

/// Collected field by field, judged when the head is complete.
struct framing {
    std::string_view host;
    std::string_view upgrade;
    std::string_view transfer_encoding;
    std::uint64_t content_length = 0;
    unsigned hosts = 0;
    unsigned lengths = 0;  ///< members of all Content-Length fields together
    unsigned transfer_encodings = 0;
    bool bad_length = false;
    bool differing_lengths = false;
    bool expect_continue = false;
    bool connection_close = false;
    bool connection_keep_alive = false;
    bool connection_upgrade = false;

    void note(const field& f) {
        switch (f.name.size()) {
            case 4:
                if (equals_lower(f.name, "host")) note_host(f.value);
                break;
            case 6:
                if (equals_lower(f.name, "expect")) expect_continue |= list_has_token(f.value, "100-continue");
                break;
            case 7:
                // Further lines offer less preferred protocols (RFC 9110 §7.8): the first is enough.
                if (equals_lower(f.name, "upgrade") && upgrade.empty()) upgrade = f.value;
                break;
            case 10:
                if (equals_lower(f.name, "connection")) note_connection(f.value);
                break;
            case 14:
                if (equals_lower(f.name, "content-length")) note_length(f.value);
                break;
            case 17:
                if (equals_lower(f.name, "transfer-encoding")) {
                    ++transfer_encodings;
                    transfer_encoding = f.value;
                }
                break;
            default:
                break;
        }
    }

    /// RFC 9112 §9.3. `close` wins over `keep-alive`.
    bool keep_alive(int minor_version) const noexcept {
        return !connection_close && (minor_version == 1 || connection_keep_alive);
    }
    /// Exactly one Transfer-Encoding and exactly `chunked` in it.
    bool is_chunked() const noexcept { return transfer_encodings == 1 && equals_lower(transfer_encoding, "chunked"); }

private:
    void note_host(std::string_view value) {
        ++hosts;
        host = value;
    }
    void note_connection(std::string_view value) {
        if (equals_lower(value, "keep-alive")) {  // what nearly every one says
            connection_keep_alive = true;
            return;
        }
        for_each_member(value, [this](std::string_view option) {
            connection_close |= equals_lower(option, "close");
            connection_keep_alive |= equals_lower(option, "keep-alive");
            connection_upgrade |= equals_lower(option, "upgrade");
            return true;
        });
    }
    void note_length(std::string_view value) {
        for (;;) {
            const auto comma = value.find(',');
            std::uint64_t length = 0;
            if (!parse_length(trim_blanks(value.substr(0, comma)), length)) bad_length = true;
            if (lengths > 0 && length != content_length) differing_lengths = true;
            content_length = length;
            ++lengths;
            if (comma == std::string_view::npos) return;
            value.remove_prefix(comma + 1);
        }
    }
};

}  // namespace instatunnel::wire::http1
