#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

/// OAuth clients of an edge, for its owner: directly on the data folder, also while the edge runs, which notices within
/// two seconds. Errors of all: file_missing (no data in the folder), store_failed, file_permission; further ones are
/// listed.
namespace instatunnel::service {

struct oauth_client_row {
    std::string id;
    std::string name;
    std::string owner;   ///< email; empty: the edge's owner, or the client itself
    std::string origin;  ///< "registered", "dynamic" (registered itself), "document" (its id is an address)
    std::vector<std::string> redirect_uris;
    std::vector<std::string> grants;
    std::vector<std::string> scopes;
    bool is_public = false;
    wall_time created_at{};
};

struct oauth_client_wish {
    std::string name;
    std::string uri;
    std::string owner;  ///< email or id of the user it acts for with client credentials; may be empty
    std::vector<std::string> redirect_uris;
    std::vector<std::string> grants;
    std::vector<std::string> scopes;
    bool is_public = false;
};

struct made_oauth_client {
    oauth_client_row row;
    secret client_secret;  ///< empty for a public client; shown this once
};

/// Errors: usage (something of the wish cannot be), not_found (no such owner).
outcome<made_oauth_client> add_oauth_client(const std::filesystem::path& folder, const oauth_client_wish& wish);
/// Oldest first.
outcome<std::vector<oauth_client_row>> list_oauth_clients(const std::filesystem::path& folder);
/// With everything that people allowed it. Errors: not_found.
outcome<void> remove_oauth_client(const std::filesystem::path& folder, const std::string& id);

}  // namespace instatunnel::service
