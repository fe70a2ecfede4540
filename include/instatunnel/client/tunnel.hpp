#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/client/target.hpp"
#include "instatunnel/files/site.hpp"
#include "instatunnel/mcp/tool_rules.hpp"
#include "instatunnel/wire/itp_head.hpp"
#include "instatunnel/wire/proxy_header.hpp"

namespace instatunnel::mcp {
struct tool_change;
}

namespace instatunnel::client {

struct recorded;
class recording;
struct replay_request;

/// Who may call the MCP server behind a tunnel.
enum class mcp_guard : std::uint8_t {
    none,    ///< the server itself says: its callers' authorization passes through
    bearer,  ///< whoever has the tunnel's token
    oauth,   ///< people of the edge's accounts, by its authorization server
};

enum class host_header : std::uint8_t { preserve, rewrite, fixed };

/// What a local program is spoken to with.
enum class app_protocol : std::uint8_t {
    automatic,  ///< gRPC calls over HTTP/2, everything else over HTTP/1.1
    http1,      ///< HTTP/1.1 alone
    h2c,        ///< HTTP/2 alone: without TLS by prior knowledge, with TLS by ALPN
};

/// What is spoken with the server. `automatic`: v2, and v1 with a server that has nothing better.
enum class transport : std::uint8_t { automatic, v1, v2 };

struct tunnel_options {
    wire::itp::stream_kind kind = wire::itp::stream_kind::http;
    target upstream;
    files::site_rules directory_rules;  ///< for a directory
    std::string server;                 ///< API base, "https://api.t.example.com[:port]"
    transport via = transport::automatic;
    std::string cacert;  ///< PEM file; empty: the system's authorities
    secret key;
    std::string name;           ///< --subdomain; empty: the edge makes one up
    std::string existing_host;  ///< `connect`: name or host of a tunnel that exists; then `name` is empty
    host_header host_mode = host_header::preserve;
    std::string host_value;   ///< for host_header::fixed
    secret visitor_password;  ///< the edge asks visitors for it; empty: it does not
    secret visitor_basic;     ///< "user:password", asked for as HTTP Basic; empty: not
    app_protocol protocol = app_protocol::automatic;
    bool mcp = false;           ///< an MCP server: no time limits on its replies
    mcp::tool_rules mcp_tools;  ///< with `mcp`: which tools may be seen and called
    mcp_guard mcp_auth = mcp_guard::none;
    secret mcp_token;                      ///< for mcp_guard::bearer; the edge gets its digest only
    std::vector<std::string> mcp_users;    ///< for mcp_guard::oauth, beside the owner: addresses, or "*"
    std::vector<std::string> mcp_command;  ///< an MCP server to start, instead of `upstream`; empty: none
    bool mcp_shared = false;               ///< one process of it for all sessions
    std::size_t mcp_max_sessions = 64;
    std::chrono::minutes mcp_session_idle{30};  ///< a session that nobody has used for this long ends
    bool verify_upstream = true;                ///< https upstreams; never applied to loopback ones
    std::uint16_t public_port = 0;              ///< tcp: wanted at the edge; 0: the one that the account has, or any
    std::optional<wire::proxy_version> proxy;   ///< tcp and tls: tells the local program who the visitor is
    recording* record = nullptr;                ///< http: where requests are recorded; outlives the tunnel
};

struct ready_info {
    std::string url;
    std::string name;
    std::string target;
    std::string transport;  ///< "v2" or "v1"
    bool reconnected = false;
};

struct request_info {
    std::string_view method;
    std::string_view path;    ///< with the query removed
    int status = 0;           ///< 0: reset before a status was sent
    std::uint64_t bytes = 0;  ///< body bytes sent to the visitor
    std::chrono::milliseconds took{0};
};

/// How a connection through a tcp or tls tunnel ended.
enum class connection_end : std::uint8_t { finished, by_visitor, by_target, unreachable };

struct connection_info {
    std::string_view from;        ///< "203.0.113.7:50123", "[2001:db8::7]:50123"
    std::uint64_t bytes_in = 0;   ///< from the visitor
    std::uint64_t bytes_out = 0;  ///< to the visitor
    std::chrono::milliseconds took{0};
    connection_end how = connection_end::finished;
};

struct summary {
    std::uint64_t requests = 0;  ///< or connections
    std::chrono::milliseconds lasted{0};
};

/// Told about a tunnel's life, on the thread that runs it. Must not block for long; must not call back into the tunnel
/// except stop().
class tunnel_events {
public:
    virtual ~tunnel_events() = default;
    virtual void on_ready(const ready_info&) {}
    virtual void on_request(const request_info&) {}
    /// A connection through a tcp or tls tunnel is over.
    virtual void on_connection(const connection_info&) {}
    /// After a turn in which requests were reported: the moment to flush what on_request has buffered.
    virtual void on_turn_end() {}
    /// The connection is gone; the next try comes after `wait`.
    virtual void on_reconnecting(const failure&, std::chrono::milliseconds /*wait*/, unsigned /*attempt*/) {}
    /// Something a person should know that ends nothing (the local app is down, the edge drains).
    virtual void on_notice(const failure&) {}
    /// An MCP server describes a tool otherwise than before (with `mcp`).
    virtual void on_tool_changed(const mcp::tool_change&) {}
};

/// One tunnel from start to end.
class tunnel {
public:
    /// Validates nothing on the network yet. `events` outlives run().
    tunnel(tunnel_options options, tunnel_events& events);
    ~tunnel();
    tunnel(const tunnel&) = delete;
    tunnel& operator=(const tunnel&) = delete;

    /// Connects, serves and reconnects until stop() or a failure that trying again cannot mend. The very first
    /// connection is tried once only: a person who starts a tunnel wants to hear at once that the server is not there.
    /// Blocks. Returns the summary after a stop, else the failure.
    outcome<summary> run();

    /// From any thread, also from a signal-handling thread. First call: no new requests, those in flight finish.
    /// Second: at once.
    void stop();

    /// From any thread but the one that runs the tunnel, with `options.record`: has the local program answer `what` as
    /// if a visitor had asked, but not through the edge, and waits until that is over, at most `limit`. It works while
    /// the tunnel reconnects too. What it returns has been recorded like every request; what was under way at `limit`
    /// or `stop` is cut and says so. Errors: tunnel_closed; not_found when the recording has dropped it meanwhile.
    outcome<recorded> replay(replay_request what, std::chrono::milliseconds limit, const std::stop_token& stop);

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace instatunnel::client
