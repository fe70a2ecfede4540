#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/api/http_client.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

/// What the account's plan allows. nullopt: no limit of the plan.
struct plan_limits {
    std::optional<std::uint64_t> tunnels;  ///< at once
    std::optional<std::uint64_t> names;
    std::optional<std::uint64_t> requests_per_minute;
    bool mcp = true;
    bool custom_domains = true;
};

/// A name that the account holds.
struct name_info {
    std::string name, url, kind, tunnel_id, last_used_at;
    bool blocked = false;
};

struct account_info {
    std::string id, email, name, plan;
    std::uint64_t tunnels_created = 0;
    std::string data_transferred;
    std::uint64_t requests_served = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0, bytes_transferred = 0, tunnels_online = 0;
    std::optional<plan_limits> limits;  ///< nullopt: the server does not say
    std::vector<std::string> permissions;
    std::string key_id, key_name;
    std::optional<std::string> key_expires_at;  ///< RFC 3339; nullopt: never
};

struct signed_in {
    secret api_key;
    std::string email;
    std::string key_id;  ///< empty if the server's answer does not name it; account() does
};

struct tunnel_info {
    std::string id, name, url, target, status, created_at;
    std::uint64_t requests = 0, bytes_in = 0, bytes_out = 0;
    std::optional<std::uint64_t> uptime_seconds;           ///< nullopt: not connected
    std::optional<double> latency_p50_ms, latency_p99_ms;  ///< nullopt: not measured, or not for this key
};

/// The HTTP API of an edge, typed. Maps the error shapes of the API to failures once, here: 401 to invalid_key /
/// expired_key / wrong_password, 403 to forbidden with the scope, 404, 409, 422, 429 (with the seconds to wait) …
class auth_client {
public:
    /// `server` is the API base without /v1.
    auth_client(http_client& http, std::string server);

    /// `otp`: code of the second factor, empty: none. Errors: wrong_password; otp_required and otp_wrong, where the
    /// password is right.
    outcome<signed_in> login(const std::string& email, const secret& password, const std::string& otp = {});
    /// `invitation` is the code that a server with closed sign-up asks for; empty: none. Errors: already_exists (the
    /// address has an account), forbidden (no sign-up here, or not with this code), bad_request (the password is
    /// refused).
    outcome<signed_in> register_account(const std::string& email, const secret& password,
                                        const std::string& invitation = {});
    outcome<void> logout(const secret& key);
    /// Has a link mailed to the address, if it has an account; the answer does not say which. Errors: not_found (this
    /// server sends no links).
    outcome<void> request_password_reset(const std::string& email);
    outcome<account_info> account(const secret& key);
    outcome<std::vector<tunnel_info>> tunnels(const secret& key);
    /// By id, name or host.
    outcome<void> close_tunnel(const secret& key, const std::string& id);
    outcome<std::vector<name_info>> names(const secret& key);
    /// Gives a name back. By name or host.
    outcome<void> release_name(const secret& key, const std::string& name);

private:
    http_client& http_;
    std::string server_;
};

}  // namespace instatunnel::api
