#pragma once

#include <string>
#include <variant>
#include <vector>

#include "instatunnel/oauth/clients.hpp"

namespace instatunnel::oauth {

/// What a client asks a person for, checked.
struct authorization_request {
    store::oauth_client client;
    std::string redirect_uri;
    bool redirect_given = false;
    std::vector<std::string> scopes;
    std::string state;
    std::string challenge;   ///< PKCE, S256; empty only for a confidential client
    std::string resource;    ///< RFC 8707; empty: our own API
    bool ask_again = false;  ///< prompt=consent
};

/// Something is wrong before it is known where an answer may go: for the person, never a redirect (RFC 6749 §4.1.2.1).
struct unsafe_request {
    std::string description;
};

/// The client hears about it: the address to send the browser to.
struct redirected_refusal {
    std::string location;
};

using read_request = std::variant<authorization_request, unsafe_request, redirected_refusal>;

/// The authorization endpoint without its pages (RFC 6749 §3.1 with RFC 7636, 8252, 8707, 9207 and 9700).
class authorization_endpoint {
public:
    /// All outlive the endpoint.
    authorization_endpoint(store::store& target, client_registry& clients, const server_settings& settings)
        : store_(target), clients_(clients), settings_(settings) {}

    outcome<read_request> read(const form& query);

    /// Whether the person consented to all of this before. Public clients are asked for each time unless the redirect
    /// goes to an https address: anybody can take a loopback port or a scheme (RFC 8252 §8.6).
    outcome<bool> is_granted(const store::user& person, const authorization_request& request);

    /// Remembers the consent and makes a code. Returns where to send the browser.
    outcome<std::string> approve(const store::user& person, const authorization_request& request);
    std::string deny(const authorization_request& request) const;

private:
    std::string refuse(const authorization_request& request, const char* error, const std::string& description) const;

    store::store& store_;
    client_registry& clients_;
    const server_settings& settings_;
};

/// The token's audience: empty for our API, else the canonical address of one of our tunnels. nullopt: not ours.
std::optional<std::string> canonical_resource(std::string_view text, const server_settings& settings);

/// Consent of `person` to `client`, remembered; returns its id.
outcome<std::string> remember_consent(store::store& target, const server_settings& settings, const store::user& person,
                                      const store::oauth_client& client, const std::vector<std::string>& scopes,
                                      const std::string& resource);

/// What `client` asks for with `scope` at `resource` (canonical): absent means the most it may ask for. A tunnel knows
/// but mcp_scope, the API all others: what has no meaning there is left out (RFC 6749 §3.3). nullopt: unknown, more
/// than the client may ask for, or nothing left.
std::optional<std::vector<std::string>> requested_scopes(const store::oauth_client& client, std::string_view scope,
                                                         std::string_view resource);

/// Whether a client may be registered to ask for it: a pattern of the API's scopes, or mcp_scope.
bool is_client_scope(std::string_view text) noexcept;
/// auth::parse_scopes with mcp_scope.
std::optional<std::vector<std::string>> parse_client_scopes(std::string_view text);

}  // namespace instatunnel::oauth
