#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

struct api_parts;

/// An access token of the authorization server stands wherever an API key stands, within its scopes. Such a caller is
/// an api_key record whose id is the token's ("tok_…") and whose name is the client's.
bool is_token_caller(const store::api_key& caller) noexcept;

/// Has the form of a key or of an access token.
bool is_credential(std::string_view text) noexcept;

/// Who presents the credential with this digest: a key, or an access token for the API itself; revoked and expired
/// ones too. A token that was made for another resource (RFC 8707) is unknown here.
outcome<std::optional<store::api_key>> find_caller(store::store& data, std::string_view digest);

/// A key or token has just ended: nothing remembers it any more, and the tunnels that it opened end.
void end_caller(const api_parts& parts, const std::string& id);

}  // namespace instatunnel::service
