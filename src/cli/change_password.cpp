#include "change_password.hpp"

#include "account_session.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t longest_two_passwords = 4096;
constexpr const char* pipe_both =
    "Pipe both, a line each: instatunnel auth password change --password-stdin < both-lines.txt";

struct passwords {
    secret current;
    secret next;
};

outcome<passwords> read_both(context& c) {
    auto input = c.term.read_input(longest_two_passwords);
    if (!input) return input.error();
    const secret text(std::move(*input));
    const auto whole = text.reveal();
    const auto end = whole.find('\n');
    if (end == std::string_view::npos)
        return failure(errc::usage, "Standard input must hold two lines: the current password and the new one",
                       pipe_both);
    const auto line = [](std::string_view one) {
        one = one.substr(0, one.find('\n'));
        if (one.ends_with('\r')) one.remove_suffix(1);
        return secret(std::string(one));
    };
    return passwords{line(whole), line(whole.substr(end + 1))};
}

outcome<passwords> ask_both(context& c) {
    if (!c.term.can_prompt())
        return failure(errc::not_a_terminal, "Passwords are needed, and there is no terminal to ask on", pipe_both);
    auto current = c.ask.ask_hidden("🔒 Current password: ");
    if (!current) return current.error();
    auto next = c.ask.ask_hidden("🔒 New password: ");
    if (!next) return next.error();
    const auto again = c.ask.ask_hidden("🔒 New password again: ");
    if (!again) return again.error();
    if (!constant_time_equal(next->reveal(), again->reveal()))
        return failure(errc::usage, "The two new passwords differ", "Try again: instatunnel auth password change");
    return passwords{std::move(*current), std::move(*next)};
}

}  // namespace

outcome<exit_code> run_change_password(const change_password_options& options, context& c) {
    if (options.end_keys != "none" && options.end_keys != "sign_in" && options.end_keys != "all")
        return failure(errc::usage, "--end-keys is none, sign_in or all", "Write it like --end-keys all");
    auto session = account_session::open(c);
    if (!session) return session.error();
    const auto both = options.password_stdin ? read_both(c) : ask_both(c);
    if (!both) return both.error();
    if (both->current.empty() || both->next.empty()) return failure(errc::usage, "A password is empty", pipe_both);
    const auto ended = (*session)->account().change_password(both->current, both->next, options.end_keys);
    if (!ended) return (*session)->explain(ended.error());
    if (c.term.json())
        c.term.result(json_line("auth.password").with("changed", true).with("revoked_keys", *ended).text());
    else
        c.term.result("✅ Password changed" +
                      (*ended == 0 ? std::string() : "; " + std::to_string(*ended) + " other keys ended with it"));
    return exit_code::done;
}

}  // namespace instatunnel::cli
