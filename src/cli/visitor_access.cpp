#include "visitor_access.hpp"

#include <algorithm>

namespace instatunnel::cli {
namespace {

constexpr std::size_t longest = 256;

bool is_usable(std::string_view text) {
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
    return !text.empty() && text.size() <= longest && std::ranges::none_of(text, is_control);
}

outcome<void> check(const visitor_access& access) {
    if (!access.password.empty() && !access.basic.empty())
        return failure(errc::usage, "A tunnel asks its visitors for a password or for user name and password, not both",
                       "Give one of --password and --auth");
    if (!access.password.empty() && !is_usable(access.password.reveal()))
        return failure(errc::usage, "--password is longer than 256 bytes or holds control characters",
                       "Use letters, digits, blanks and signs");
    if (access.basic.empty()) return {};
    const auto colon = access.basic.reveal().find(':');
    const bool has_both = colon != std::string_view::npos && colon != 0 && colon + 1 < access.basic.reveal().size();
    if (!has_both || !is_usable(access.basic.reveal()))
        return failure(errc::usage, "--auth is not a user name, a colon and a password, 256 bytes at most together",
                       "Write it like --auth USER:PASS");
    return {};
}

void warn(const char* variable, context& c) {
    c.term.complain(
        "Notice: a password on the command line stays in the shell's history and is seen in the list of processes. "
        "Safer: " +
        std::string(variable));
}

}  // namespace

outcome<visitor_access> choose_access(const open_options& options, context& c) {
    visitor_access access;
    const bool by_flag = !options.password.empty() || !options.auth.empty();
    access.password = by_flag ? options.password.clone() : c.env.tunnel_password.clone();
    access.basic = by_flag ? options.auth.clone() : c.env.tunnel_auth.clone();
    if (auto usable = check(access); !usable) return usable.error();
    if (!options.password.empty()) warn("INSTATUNNEL_TUNNEL_PASSWORD", c);
    if (!options.auth.empty()) warn("INSTATUNNEL_TUNNEL_AUTH", c);
    return access;
}

}  // namespace instatunnel::cli
