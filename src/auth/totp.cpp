#include "instatunnel/auth/totp.hpp"

#include <array>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::auth {
namespace {

constexpr std::int64_t step_seconds = 30;
constexpr std::size_t digits = 6;

}  // namespace

secret make_totp_secret() {
    std::string bytes(20, '\0');
    fill_random({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    return secret(std::move(bytes));
}

secret totp_uri(const secret& key, std::string_view issuer, std::string_view account) {
    return secret("otpauth://totp/" + percent_encode(issuer) + ":" + percent_encode(account) +
                  "?secret=" + to_base32(key.reveal()) + "&issuer=" + percent_encode(issuer));
}

std::int64_t totp_step(wall_time now) {
    return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count() / step_seconds;
}

std::string totp_code(const secret& key, std::int64_t step) {
    std::string counter(8, '\0');
    for (int i = 7; i >= 0; --i, step >>= 8)
        counter[static_cast<std::size_t>(i)] = static_cast<char>(step & 0xff);
    const auto digest = hmac_sha1(key.reveal(), counter);
    // RFC 4226 §5.3: the last half byte says where the four bytes of the number begin.
    const auto at = static_cast<std::size_t>(digest.back() & 0x0f);
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = (number << 8) | static_cast<unsigned char>(digest[at + i]);
    number = (number & 0x7fffffffU) % 1000000U;
    auto text = std::to_string(number);
    return std::string(digits - text.size(), '0') + text;
}

std::optional<std::int64_t> match_totp(const secret& key, std::string_view code, wall_time now) {
    std::optional<std::int64_t> found;
    const auto current = totp_step(now);
    for (std::int64_t step = current - 1; step <= current + 1; ++step)
        if (constant_time_equal(totp_code(key, step), code)) found = step;
    return found;
}

}  // namespace instatunnel::auth
