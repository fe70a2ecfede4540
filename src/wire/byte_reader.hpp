#pragma once

#include <cstdint>
#include <string_view>

#include "instatunnel/wire/itp_frame.hpp"

namespace instatunnel::wire {

/// Reads big-endian numbers and counted bytes with a sticky failure: one check at the end instead of one a call.
class byte_reader {
public:
    explicit byte_reader(std::string_view in) : in_(in) {}

    bool take(std::size_t n) {
        if (failed_ || in_.size() < n) failed_ = true;
        return !failed_;
    }
    std::uint8_t u8() {
        if (!take(1)) return 0;
        const auto v = static_cast<std::uint8_t>(in_.front());
        in_.remove_prefix(1);
        return v;
    }
    std::uint16_t u16() {
        if (!take(2)) return 0;
        const auto v = itp::get_u16(in_.data());
        in_.remove_prefix(2);
        return v;
    }
    std::uint32_t u32() {
        if (!take(4)) return 0;
        const auto v = itp::get_u32(in_.data());
        in_.remove_prefix(4);
        return v;
    }
    std::uint64_t u64() {
        if (!take(8)) return 0;
        const auto v = itp::get_u64(in_.data());
        in_.remove_prefix(8);
        return v;
    }
    std::string_view bytes(std::size_t n) {
        if (!take(n)) return {};
        const auto v = in_.substr(0, n);
        in_.remove_prefix(n);
        return v;
    }
    void fail() { failed_ = true; }
    bool good() const { return !failed_; }
    bool finished() const { return !failed_ && in_.empty(); }

private:
    std::string_view in_;
    bool failed_ = false;
};

}  // namespace instatunnel::wire
