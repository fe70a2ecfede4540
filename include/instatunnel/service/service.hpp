#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/service/rate_limits.hpp"

namespace instatunnel::mail {
class mailer;
}
namespace instatunnel::fetch {
class fetcher;
}
namespace instatunnel::oidc {
class provider;
}

/// Accounts, keys, names and the HTTP API of an edge: everything `serve` knows beyond moving bytes.
namespace instatunnel::service {

struct api_request {
    std::string method;
    std::string path;                                         ///< without the query, e.g. "/v1/auth/user"
    std::string query;                                        ///< without "?"
    std::string remote_address;                               ///< IP of the caller, for rate limits
    std::vector<std::pair<std::string, std::string>> fields;  ///< names as sent
    secret body;                                              ///< may hold a password
};

struct api_response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> fields;  ///< without Content-Length
    std::string body;
};

/// The people who may call an MCP server whose callers sign in, beside its tunnel's owner: normalised addresses, or
/// "*" for every account. Immutable.
using visitor_list = std::shared_ptr<const std::vector<std::string>>;

/// What a tunnel client asks for in its HELLO.
struct tunnel_claim {
    secret key;
    std::string name;            ///< requested subdomain label, lower case; empty: make one up
    std::string existing_host;   ///< `connect`: host or name of a tunnel that was created before; then `name` is empty
    std::string target;          ///< shown in listings, e.g. "localhost:3000"
    std::string instance;        ///< random id of the client process: the same one reconnects, another one takes over
    bool mcp = false;            ///< the local program is an MCP server
    visitor_list mcp_users;      ///< whose callers sign in: who may, beside the owner; null: they do not
    std::string proto = "http";  ///< or "tcp", "tls"
    std::uint16_t port = 0;      ///< tcp: wanted public port; 0: the tunnel's own, or any
    std::string remote_address;
};

struct granted_tunnel {
    std::string tunnel_id;  ///< "tun_…"
    std::string account_id;
    std::string key_id;
    std::string name;  ///< subdomain label
    std::string host;  ///< "demo.t.example.com"
    std::string url;   ///< "https://demo.t.example.com:8443", port only when it is not 443; "tcp://t.example.com:20001"
    std::uint16_t port = 0;  ///< tcp: the public port
};

/// An access token that a visitor of an MCP tunnel sent.
struct visitor_claim {
    secret token;
    std::string host;        ///< of the tunnel
    std::string url;         ///< of the tunnel: whom the identity is for
    std::string account_id;  ///< the tunnel's owner
    visitor_list users;
};

/// The same of a token that was found good before and whose requests go on: they may outlive the token, but not the
/// consent that stands behind it.
struct visitor_again {
    std::string token_id;  ///< "tok_…"
    std::string user_id;
    std::string client_id;
    std::string host;  ///< the rest as above
    std::string account_id;
    visitor_list users;
};

enum class visitor_verdict : std::uint8_t {
    good,
    unknown,         ///< never a token of this service
    ended,           ///< expired or revoked, or its person may not sign in any more
    other_audience,  ///< made for another tunnel, or for the API
    missing_scope,
    not_invited,  ///< the person is neither the owner nor named by them
    unavailable,  ///< too much to do, or the store failed: nothing is known
};

struct visitor_answer {
    visitor_verdict verdict = visitor_verdict::unavailable;
    // Of a good one:
    std::string token_id;
    std::string user_id;
    std::string client_id;
    wall_time expires_at{};
    std::string identity;  ///< the signed statement for the app who calls (a JWT, see docs/mcp.md)
};

/// What the edge tells about a tunnel that is connected now.
struct live_tunnel {
    std::string tunnel_id;
    std::string target;
    std::int64_t connected_at_us = 0;
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;   ///< from visitors
    std::uint64_t bytes_out = 0;  ///< to visitors
    std::string key_id;           ///< that opened it
    std::string account_id;
    std::string name;
    std::uint16_t port = 0;               ///< tcp: the public one
    std::uint64_t open_requests = 0;      ///< or connections
    std::int64_t last_request_at_us = 0;  ///< 0: none yet
    std::int64_t round_trip_us = 0;       ///< edge to client and back, as last measured; 0: not measured yet
};

/// The edge, as the service sees it. Called from the service's thread; implementations hand over to their own.
class live_tunnels {
public:
    virtual ~live_tunnels() = default;
    /// Ends a tunnel's session; the client prints `why` and does not reconnect.
    virtual void close_tunnel(const std::string& tunnel_id, const failure& why) = 0;
    /// Ends every session that was opened with this key.
    virtual void close_key(const std::string& key_id, errc why) = 0;
    /// Blocks briefly (bounded) for an answer of the edge's worker. Holds every tunnel whose grant was handed over
    /// before the call. Errors: busy (no answer in time).
    virtual outcome<std::vector<live_tunnel>> list() = 0;
    /// The store was changed by others: what visitors of MCP tunnels were found to be may be wrong by now.
    virtual void look_at_visitors_again() {}
};

/// Who may make an account through the API.
enum class sign_up_policy : std::uint8_t { closed, invite, open };

/// Empty when `last` is 0.
struct port_range {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

struct service_options {
    std::filesystem::path data;       ///< folder of the store, exists, 0700
    std::string domain;               ///< "t.example.com", "localhost"
    std::uint16_t public_port = 443;  ///< for URLs
    port_range tcp_ports;             ///< public ports of tcp tunnels
    bool dev = false;
    std::string version;
    rate_limits limits;
    std::vector<std::string> cors_origins;    ///< each as check_origin returns it
    std::chrono::hours audit_keep{365 * 24};  ///< older records of the audit log are cut off; zero: none
    std::string support_contact;              ///< text or URL that answers about limits name; may be empty
    sign_up_policy sign_up = sign_up_policy::closed;
    std::uint64_t invites_per_account = 0;  ///< people that one account may bring in all in all
    std::uint64_t referral_credit = 0;      ///< for both sides when somebody comes by an account's invitation
    bool require_verified_email = false;    ///< to open tunnels
    bool client_registration = true;        ///< OAuth clients may register themselves (RFC 7591)
    mail::mailer* mail = nullptr;           ///< outlives the service; null: links go nowhere, or to a dev edge's log
    /// Stops before the service does; null: an OAuth client's id cannot be the address of its description.
    fetch::fetcher* fetch = nullptr;
    oidc::provider* people = nullptr;  ///< outside sign-in; null: passwords only
};

struct first_user {
    std::string email;
    secret password;
    secret api_key;
    bool created = false;
};

/// Owns the store. All methods but `handle`, `admit`, `check_visitor` and `check_again` are called from one control
/// thread; these may be called from any thread, run on the service's own threads (SQL on one, password hashing on
/// another, queues bounded: beyond them 503 / errc::busy) and call back from there.
class service {
public:
    /// Opens and migrates the store. Errors: store_failed (with the path and what to do), file_permission.
    static outcome<std::unique_ptr<service>> open(service_options options);
    virtual ~service() = default;

    /// Must be called once before the first request; `edge` outlives the service's stop().
    virtual void attach(live_tunnels& edge) = 0;

    using api_callback = std::function<void(api_response)>;
    virtual void handle(api_request request, api_callback done) = 0;

    using admit_callback = std::function<void(outcome<granted_tunnel>)>;
    /// Checks the key, its scope (tunnels:write), the name and its owner, and what the account's plan allows, and
    /// leases the name to the account. Errors: malformed_key, invalid_key, expired_key, revoked_key, account_disabled,
    /// email_not_verified, forbidden,
    /// plan_limit, malformed_name, name_reserved, name_taken, not_found, rate_limited, busy, store_failed.
    virtual void admit(tunnel_claim claim, admit_callback done) = 0;

    using visitor_callback = std::function<void(visitor_answer)>;
    /// May this visitor call the MCP server behind a tunnel? From any thread; see above for the threads and bounds.
    virtual void check_visitor(visitor_claim claim, visitor_callback done) = 0;
    /// One verdict for each, in their order; a token that has only expired is good. From any thread.
    using visitors_callback = std::function<void(std::vector<visitor_verdict>)>;
    virtual void check_again(std::vector<visitor_again> visitors, visitors_callback done) = 0;

    /// Adds to the counters of a tunnel and its account; batched by the edge (about once a second), queued, never
    /// blocks.
    virtual void record_usage(const std::string& tunnel_id, std::uint64_t requests, std::uint64_t bytes_in,
                              std::uint64_t bytes_out) = 0;

    /// Dev mode: the first user and key of this data folder; made and kept in DATA/dev.json (0600) at the first start.
    virtual outcome<first_user> ensure_first_user() = 0;

    /// Finishes queued work and closes the store. Idempotent.
    virtual void stop() = 0;
};

}  // namespace instatunnel::service
