#pragma once

#include <string>

#include "context.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "login.hpp"

namespace instatunnel::cli {

struct sign_in_result {
    api::signed_in who;
    bool created = false;  ///< the account was made just now
};

/// The conversation behind `login`: asks for what is missing, signs in, and makes an account where that is wanted.
/// The server says the same of an unknown address and of a wrong password, so nobody learns from it who has an
/// account; therefore the offer to make one comes after any failed try, and only its refusal says that the address is
/// known. On a terminal there are three tries; without one nothing is asked and the first failure is the result.
class sign_in {
public:
    /// All of it outlives the conversation.
    sign_in(const login_options& options, api::auth_client& client, context& c)
        : options_(options), client_(client), c_(c) {}

    /// Errors: usage, not_a_terminal, cancelled, wrong_password, and those of auth_client.
    outcome<sign_in_result> run();

private:
    outcome<std::string> obtain_email() const;
    outcome<api::signed_in> log_in(const secret& password);
    failure code_needed() const;
    outcome<secret> obtain_new_password();
    outcome<sign_in_result> with_known_account();
    outcome<sign_in_result> with_new_account();
    outcome<sign_in_result> create(const secret& password);
    outcome<bool> offer_account(const secret& password, sign_in_result& made);
    failure not_this_password() const;
    bool may_ask() const { return c_.term.can_prompt() && !options_.password_stdin; }

    const login_options& options_;
    api::auth_client& client_;
    context& c_;
    std::string email_;
    bool offered_ = false;
};

}  // namespace instatunnel::cli
