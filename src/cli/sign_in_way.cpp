#include "sign_in_way.hpp"

namespace instatunnel::cli {
namespace {

// The first flag that only means something with a password; empty: none.
std::string_view password_flag(const login_options& options) {
    if (!options.email.empty()) return "--email";
    if (options.password_stdin) return "--password-stdin";
    if (options.create) return "--register";
    if (!options.invitation.empty()) return "--invite";
    return options.otp.empty() ? "" : "--otp";
}

}  // namespace

outcome<sign_in_way> choose_sign_in_way(const login_options& options, const context& c) {
    if (options.web && options.device)
        return failure(errc::usage, "--web and --device are two ways to sign in", "Choose one of them");
    const auto flag = password_flag(options);
    if ((options.web || options.device) && !flag.empty())
        return failure(errc::usage,
                       std::string(flag) + " does not go with " + (options.web ? "--web" : "--device") +
                           ", where nothing is typed here",
                       "Leave one of them out");
    if (options.device) return sign_in_way::device;
    if (options.web) return sign_in_way::browser;
    const bool may_guess = flag.empty() && c.term.can_prompt() && c.env.graphical;
    return may_guess ? sign_in_way::browser : sign_in_way::password;
}

}  // namespace instatunnel::cli
