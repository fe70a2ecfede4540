#pragma once

#include <chrono>
#include <string_view>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/oauth/refusal.hpp"
#include "instatunnel/store/oauth.hpp"

/// A client whose id is the https URL of a document that describes it (draft-ietf-oauth-client-id-metadata-document).
/// Pure: who fetches the document must follow no redirect, connect to public addresses only and take 200 as the only
/// good answer (§5, §8.6).
namespace instatunnel::oauth {

/// The most of a document that is read (§8.7).
inline constexpr std::size_t max_client_document = std::size_t{5} * 1024;

/// May this client id be fetched from? https, a host, a path without dot segments, no user part, no fragment (§3).
/// At most 2,048 bytes. Refusal: invalid_client with the reason.
answer<void> check_client_document_url(std::string_view id);

/// Whether the id claims to be such a URL. Ids that this server gives out never do.
inline bool is_client_document_id(std::string_view id) noexcept {
    return id.starts_with("https://");
}

/// The client that the document fetched from `url` describes: a public one, of origin document, with `now` as the time
/// of its making and fetching. The document must name `url` byte by byte as its client_id and hold no credential.
/// Refusal: invalid_client_metadata or invalid_redirect_uri with the reason.
answer<store::oauth_client> read_client_document(std::string_view url, std::string_view json, wall_time now);

/// How long a document may be used before it is fetched again, by the Cache-Control field that came with it (RFC 9111
/// §5.2.2): its max-age, at least 5 minutes, at most 24 hours; an hour if it says nothing. Documents that were refused
/// are not kept (§5.2).
std::chrono::seconds client_document_life(std::string_view cache_control) noexcept;

}  // namespace instatunnel::oauth
