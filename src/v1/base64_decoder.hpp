#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace instatunnel::v1 {

/// Base64 with padding (RFC 4648 §4) that comes in parts of any length.
class base64_decoder {
public:
    enum class verdict : std::uint8_t { good, malformed, too_long };

    /// Appends what the part completes. The verdict is that of the first byte that earns one, wherever parts end;
    /// behind it nothing is decoded any more. `out` never grows beyond `most` by more than two bytes.
    verdict decode(std::string_view part, std::string& out, std::size_t most) {
        if (verdict_ == verdict::good) verdict_ = decode_on(part, out, most);
        return verdict_;
    }
    bool is_complete() const noexcept { return have_ == 0; }

private:
    verdict decode_on(std::string_view part, std::string& out, std::size_t most) {
        for (const char c : part) {
            if (c == '=') {
                if (have_ < 2 || ++padding_ + have_ > 4) return verdict::malformed;
                continue;
            }
            const int value = value_of(c);
            if (value < 0 || padding_ != 0) return verdict::malformed;
            bits_ = bits_ << 6 | static_cast<std::uint32_t>(value);
            if (++have_ < 4) continue;
            flush(out, 3);
            if (out.size() > most) return verdict::too_long;
        }
        if (padding_ != 0 && padding_ + have_ == 4) {
            bits_ <<= 6 * padding_;
            flush(out, 3 - padding_);
            padding_ = 4;  // nothing may follow
            if (out.size() > most) return verdict::too_long;
        }
        return verdict::good;
    }
    static int value_of(char c) noexcept {
        if (c >= 'A' && c <= 'Z') return c - 'A';
        if (c >= 'a' && c <= 'z') return c - 'a' + 26;
        if (c >= '0' && c <= '9') return c - '0' + 52;
        return c == '+' ? 62 : c == '/' ? 63 : -1;
    }
    void flush(std::string& out, int bytes) {
        for (int i = 0; i < bytes; ++i)
            out.push_back(static_cast<char>(bits_ >> (16 - 8 * i) & 0xFF));
        have_ = 0;
        bits_ = 0;
    }

    verdict verdict_ = verdict::good;
    std::uint32_t bits_ = 0;
    int have_ = 0;
    int padding_ = 0;
};

}  // namespace instatunnel::v1
