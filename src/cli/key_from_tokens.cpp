#include "key_from_tokens.hpp"

#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/api/key_client.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"

namespace instatunnel::cli {
namespace {

// A person may grant less than was asked for: a key cannot hold more than whoever makes it.
std::vector<std::string> permissions_of(const std::string& granted) {
    std::vector<std::string> permissions;
    const auto held = auth::parse_scopes(granted).value_or(std::vector<std::string>());
    for (auto& scope : auth::full_scope_set())
        if (auth::grants(held, scope)) permissions.push_back(std::move(scope));
    return permissions;
}

outcome<sign_in_result> make_key(const api::oauth_tokens& tokens, api::http_client& http, const std::string& server,
                                 const interruption& interrupted, context& c) {
    // The account first: should it fail, no key was made that nobody holds.
    auto account = api::auth_client(http, server).account(tokens.access_token);
    if (!account) return account.error();
    if (interrupted.happened()) return failure(errc::cancelled);
    const api::key_wish wish{cli_key_name(c.env.host_name), permissions_of(tokens.scope), std::nullopt};
    auto made = api::key_client(http, server, tokens.access_token).create(wish);
    if (!made) return made.error();
    sign_in_result result;
    result.who.api_key = std::move(made->key);
    result.who.email = std::move(account->email);
    result.who.key_id = std::move(made->info.id);
    return result;
}

}  // namespace

std::string cli_key_name(const std::string& host) {
    const auto name = "CLI - " + host;
    return !host.empty() && auth::is_display_name(name) ? name : "CLI";
}

outcome<sign_in_result> key_from_tokens(api::oauth_client& client, const api::oauth_server& at,
                                        const api::oauth_tokens& tokens, api::http_client& http,
                                        const std::string& server, const interruption& interrupted, context& c) {
    auto result = make_key(tokens, http, server, interrupted, c);
    const auto& last = tokens.refresh_token.empty() ? tokens.access_token : tokens.refresh_token;
    // They run out by themselves where the server cannot be reached now.
    (void)client.revoke(at, last);
    return result;
}

}  // namespace instatunnel::cli
