#pragma once

#include "call_guard.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/oauth/server.hpp"

namespace instatunnel::service {

/// The authorization server's endpoints for programs; those for people are in site.hpp. On the service's thread.
class oauth_routes {
public:
    /// All outlive the routes.
    oauth_routes(const api_parts& parts, call_guard& guard) : parts_(parts), guard_(guard) {}

    // oauth_token_routes.cpp:
    void give_token(const call_ptr& c);
    void begin_device(const call_ptr& c);
    void introspect(const call_ptr& c);
    void revoke(const call_ptr& c);
    // oauth_client_routes.cpp:
    void register_client(const call_ptr& c);
    void list_clients(const call_ptr& c);
    void create_client(const call_ptr& c);
    void remove_client(const call_ptr& c);
    // oauth_grant_routes.cpp:
    void list_grants(const call_ptr& c);
    void revoke_grant(const call_ptr& c);
    // oauth_metadata.cpp:
    void show_metadata(const call_ptr& c);
    void show_identity_keys(const call_ptr& c);

private:
    void exchange(const call_ptr& c, const store::oauth_client& client, const form& body);
    void note(const call_ptr& c, const store::oauth_client& client, std::string_view grant,
              const oauth::exchange_outcome& done, audit_event& event);

    const api_parts& parts_;
    call_guard& guard_;
};

/// A form, or the JSON that the documents show; both are told by their first character, because published examples
/// send JSON without saying so. Errors answer the call: then it is nullopt.
std::optional<form> read_oauth_body(const call_ptr& c);

/// RFC 6749 §5.2 and this API's own members side by side.
void refuse(const call_ptr& c, const oauth::refusal& why);

/// "a b c" (RFC 6749 §3.3)
std::string scope_text(const std::vector<std::string>& scopes);

}  // namespace instatunnel::service
