#include "sign_in.hpp"

#include "instatunnel/base/names.hpp"
#include "password.hpp"

namespace instatunnel::cli {
namespace {

constexpr int max_tries = 3;
constexpr const char* how_to_pipe = "instatunnel login -e EMAIL --password-stdin < password.txt";

// Whether it exists is the server's to say; this only catches what cannot be one.
bool can_be_email(std::string_view text) {
    const auto at = text.find('@');
    return at != std::string_view::npos && at != 0 && at + 1 != text.size() &&
           text.find_first_of(" \t") == std::string_view::npos;
}

bool is_yes(const std::string& answer) {
    return iequals(answer, "y") || iequals(answer, "yes");
}

bool may_be_typed_better(errc code) {
    return code == errc::bad_request || code == errc::usage;
}

}  // namespace

outcome<std::string> sign_in::obtain_email() const {
    const failure wrong(errc::usage, "That is not an email address",
                        "Write it like: instatunnel login -e you@example.com");
    std::string email(trim(options_.email));
    if (!email.empty() || !c_.term.can_prompt()) {
        if (email.empty())
            return failure(errc::not_a_terminal, "An email is needed, and there is no terminal to ask on",
                           "Give both: instatunnel login -e EMAIL --password-stdin");
        if (!can_be_email(email)) return wrong;
        return email;
    }
    for (int tries = 1;; ++tries) {
        auto typed = c_.ask.ask("📧 Email: ");
        if (!typed || can_be_email(*typed)) return typed;
        if (tries == max_tries) return wrong;
        c_.term.complain("That is not an email address");
    }
}

failure sign_in::code_needed() const {
    return {errc::otp_required, "The account " + email_ + " has a second factor, and there is no terminal to ask on",
            "Give the code: instatunnel login -e " + email_ + " --password-stdin --otp CODE"};
}

// The password alone, or with the code that was given; then with what is typed, three codes in all.
outcome<api::signed_in> sign_in::log_in(const secret& password) {
    std::string code = options_.otp;
    for (int tries = code.empty() ? 0 : 1;; ++tries) {
        auto who = client_.login(email_, password, code);
        if (who) return who;
        const auto problem = who.error().code;
        if (problem != errc::otp_required && problem != errc::otp_wrong) return who;
        if (!may_ask()) return problem == errc::otp_required ? code_needed() : who.error();
        if (tries >= max_tries) return who;
        if (problem == errc::otp_wrong) c_.term.complain("The code is wrong, or was used before");
        auto typed = c_.ask.ask("🔢 Code: ");
        if (!typed) return typed.error();
        code = std::move(*typed);
    }
}

outcome<secret> sign_in::obtain_new_password() {
    auto password = obtain_password(options_.password_stdin, how_to_pipe, c_);
    if (!password || !may_ask()) return password;
    const auto again = c_.ask.ask_hidden("🔒 Password again: ");
    if (!again) return again.error();
    if (again->reveal() != password->reveal())
        return failure(errc::usage, "The two passwords differ", "Start again: instatunnel login --register");
    return password;
}

failure sign_in::not_this_password() const {
    return {errc::wrong_password, "There is an account for " + email_ + " already, and this is not its password",
            "Sign in: instatunnel login -e " + email_ + ", or set a new password: instatunnel auth password reset -e " +
                email_};
}

outcome<sign_in_result> sign_in::create(const secret& password) {
    auto made = client_.register_account(email_, password, options_.invitation);
    if (!made) return made.error();
    return sign_in_result{std::move(*made), true};
}

// A known address is no dead end: the password that was given may simply be the right one.
outcome<sign_in_result> sign_in::with_new_account() {
    for (int tries = 1;; ++tries) {
        const auto password = obtain_new_password();
        auto result = password ? create(*password) : outcome<sign_in_result>(password.error());
        if (result) return result;
        const auto code = result.error().code;
        if (code == errc::already_exists) {
            c_.term.notice("There is an account for " + email_ + " already: signing in");
            auto who = log_in(*password);
            if (who) return sign_in_result{std::move(*who), false};
            return who.error().code == errc::wrong_password ? not_this_password() : who.error();
        }
        if (!may_ask() || !may_be_typed_better(code) || tries == max_tries) return result;
        c_.term.complain(result.error().what());
    }
}

// True when an account was made. What the person can do better is said, and the next try follows.
outcome<bool> sign_in::offer_account(const secret& password, sign_in_result& made) {
    if (offered_) return false;
    const auto answer = c_.ask.ask("Create an account for " + email_ + "? [y/N] ");
    if (!answer) return answer.error();
    offered_ = true;
    if (!is_yes(*answer)) return false;
    const auto again = c_.ask.ask_hidden("🔒 Password again: ");
    if (!again) return again.error();
    if (again->reveal() != password.reveal()) {
        offered_ = false;
        c_.term.complain("The two passwords differ; no account was made");
        return false;
    }
    auto created = create(password);
    if (created) {
        made = std::move(*created);
        return true;
    }
    const auto& f = created.error();
    if (f.code == errc::already_exists) {
        c_.term.complain("There is an account for " + email_ +
                         " already: the password was wrong. Forgotten? instatunnel auth password reset -e " + email_);
        return false;
    }
    if (!may_be_typed_better(f.code)) return f;
    offered_ = false;
    c_.term.complain(f.what());
    return false;
}

outcome<sign_in_result> sign_in::with_known_account() {
    for (int tries = 1;; ++tries) {
        const auto password = obtain_password(options_.password_stdin, how_to_pipe, c_);
        const bool empty = !password && password.error().code == errc::usage;
        if (!password && !(empty && may_ask())) return password.error();
        if (password) {
            auto who = log_in(*password);
            if (who) return sign_in_result{std::move(*who), false};
            if (who.error().code != errc::wrong_password) return who.error();
        }
        const failure wrong(errc::wrong_password, {},
                            "Forgotten? instatunnel auth password reset -e " + email_ +
                                ". No account yet? instatunnel login -e " + email_ + " --register");
        if (!may_ask() || tries == max_tries) return wrong;
        c_.term.complain(password ? "Wrong email or password" : "The password is empty");
        if (!password) continue;
        sign_in_result made;
        const auto was_made = offer_account(*password, made);
        if (!was_made) return was_made.error();
        if (*was_made) return made;
    }
}

outcome<sign_in_result> sign_in::run() {
    auto email = obtain_email();
    if (!email) return email.error();
    email_ = std::move(*email);
    return options_.create ? with_new_account() : with_known_account();
}

}  // namespace instatunnel::cli
