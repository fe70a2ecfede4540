#pragma once

#include <memory>

#include "credentials.hpp"
#include "instatunnel/api/account_client.hpp"

namespace instatunnel::cli {

/// What a command about the account itself works with.
class account_session {
public:
    /// Errors: those of resolve().
    static outcome<std::unique_ptr<account_session>> open(context& c);

    api::account_client& account() noexcept { return account_; }
    /// The failure of a call, told with what is known of the key in use.
    failure explain(const failure& f) const;

private:
    account_session(credentials in_use, std::unique_ptr<api::http_client> http);

    credentials in_use_;
    std::unique_ptr<api::http_client> http_;
    api::account_client account_;
};

}  // namespace instatunnel::cli
