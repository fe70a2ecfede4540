#include "verify_email.hpp"

#include "account_session.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {

outcome<exit_code> run_verify_email(const verify_email_options&, context& c) {
    auto session = account_session::open(c);
    if (!session) return session.error();
    if (auto done = (*session)->account().resend_verification(); !done) {
        if (done.error().code == errc::already_exists)
            return failure(errc::already_exists, "The email address of this account is verified already",
                           "There is nothing left to do");
        return (*session)->explain(done.error());
    }
    if (c.term.json())
        c.term.result(json_line("auth.verify").with("sent", true).text());
    else
        c.term.result("✅ A mail with a link is on its way: open it and press the button");
    return exit_code::done;
}

}  // namespace instatunnel::cli
