#include "instatunnel/service/rate_limits.hpp"

#include <charconv>

namespace instatunnel::service {
namespace {

constexpr std::uint32_t most_per_minute = 1'000'000;

struct named_rate {
    std::string_view name;
    rate rate_limits::*member;
};

constexpr named_rate names[] = {
    {"calls-per-key", &rate_limits::calls_per_key},
    {"calls-per-account", &rate_limits::calls_per_account},
    {"calls-per-address", &rate_limits::calls_per_address},
    {"calls-without-key", &rate_limits::calls_without_key},
    {"sign-ins", &rate_limits::sign_ins},
    {"registrations", &rate_limits::registrations},
    {"wrong-keys", &rate_limits::wrong_keys},
};

}  // namespace

bool is_rate_limit_name(std::string_view name) noexcept {
    for (const auto& n : names)
        if (n.name == name) return true;
    return false;
}

std::string rate_limit_names() {
    std::string text;
    for (const auto& n : names)
        text += (text.empty() ? "" : ", ") + std::string(n.name);
    return text;
}

outcome<void> set_rate_limit(rate_limits& limits, std::string_view text) {
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    const named_rate* known = nullptr;
    for (const auto& n : names)
        if (n.name == name) known = &n;
    if (known == nullptr)
        return failure(errc::usage, "There is no limit \"" + std::string(name.substr(0, 80)) + "\"",
                       "Name one of: " + rate_limit_names());
    const auto digits = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size() || value == 0 || value > most_per_minute)
        return failure(errc::usage, "The limit " + std::string(name) + " must be a number from 1 to 1000000 a minute",
                       "Write it like --limit " + std::string(name) + "=100");
    auto& set = limits.*known->member;
    set.per_minute = value;
    set.on_loopback = true;
    return {};
}

}  // namespace instatunnel::service
