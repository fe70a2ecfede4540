#pragma once

#include <string>
#include <string_view>

namespace instatunnel::client {

struct recorded;

/// How requests are shown to people and programs: without what would let the reader act as somebody else. Bodies are
/// not looked into.

/// "***" for a secret. Of Authorization the scheme stays, of cookies the names; fields whose names speak of tokens,
/// keys or passwords have nothing left. Addresses in other fields (Location, Referer) are shown as shown_url() does.
std::string shown_field(std::string_view name, std::string_view value);

/// A path or URL with "***" in the place of user information and of parameters, in query and fragment, whose names
/// speak of secrets: token, key, secret, password, code, signature and the like.
std::string shown_url(std::string_view url);

/// Masks all fields, trailers and the path of `r`.
void redact(recorded& r);

}  // namespace instatunnel::client
