#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

struct invite_info {
    std::string id;
    std::uint64_t uses = 0;
    std::uint64_t uses_allowed = 0;
    std::string expires_at;  ///< RFC 3339
};

struct new_invite {
    invite_info info;
    secret code;  ///< the only time it is known
};

struct invited_info {
    std::string email;  ///< masked
    std::string joined_at;
};

struct invites_info {
    std::vector<invite_info> invites;
    std::vector<invited_info> invited;
    std::uint64_t allowed = 0;  ///< people that the account may bring in all in all
    std::uint64_t credit = 0;
    std::string invited_by;  ///< masked; empty: nobody, or the server's owner
};

/// Password, email address and invitations of an account. Errors: those of auth_client.
class account_client {
public:
    /// `server` is the API base without /v1. `http` and `key`, the one that calls, outlive the client.
    account_client(http_client& http, std::string server, const secret& key);

    /// `expires_at`: RFC 3339, nullopt: the server's default.
    outcome<new_invite> invite(std::uint64_t uses, const std::optional<std::string>& expires_at);
    outcome<invites_info> invites();
    outcome<void> revoke_invite(const std::string& id);

    /// Returns how many keys ended with the old password. `end_keys`: none, sign_in or all.
    outcome<std::uint64_t> change_password(const secret& current, const secret& next, const std::string& end_keys);
    /// Has the link that confirms the email address sent again.
    outcome<void> resend_verification();

private:
    http_client& http_;
    std::string server_;
    const secret& key_;
};

}  // namespace instatunnel::api
