#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

struct key_info {
    std::string id, name;
    std::string masked;  ///< "it_***...def"
    std::string created_at;
    std::optional<std::string> last_used;   ///< RFC 3339; nullopt: never
    std::optional<std::string> expires_at;  ///< RFC 3339; nullopt: never
    std::vector<std::string> permissions;
    std::string replaced_by;  ///< id of the key that a rotation made in its place; empty: none
};

/// A key that was made just now, the only time it is known whole.
struct new_key {
    secret key;
    key_info info;
    std::string replaces;        ///< with a rotation: id of the old key
    std::string old_expires_at;  ///< with a rotation: when the old one ends, RFC 3339
};

struct key_wish {
    std::string name;
    std::vector<std::string> permissions;
    std::optional<std::string> expires_at;  ///< RFC 3339
};

/// The keys of an account, as the API of an edge shows them. Every call needs a key with keys:manage. Errors: those of
/// auth_client; already_exists where a key is in no state to be rotated.
class key_client {
public:
    /// `server` is the API base without /v1. `http` and `key`, the one that calls, outlive the client.
    key_client(http_client& http, std::string server, const secret& key);

    outcome<std::vector<key_info>> list();
    outcome<key_info> find(const std::string& id);
    outcome<new_key> create(const key_wish& wish);
    outcome<key_info> rename(const std::string& id, const std::string& name);
    outcome<void> revoke(const std::string& id);
    /// The old key ends after `grace`, at once if that is zero.
    outcome<new_key> rotate(const std::string& id, std::chrono::seconds grace);

private:
    http_client& http_;
    std::string server_;
    const secret& key_;
};

}  // namespace instatunnel::api
