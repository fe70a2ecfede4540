#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/secret.hpp"

/// The JSON of the handshake, HELLO (client to edge) and WELCOME (edge to client). Unknown members are ignored and
/// every absent one has a default, so that older and newer programs understand each other.
namespace instatunnel::engine {

struct tunnel_wish {
    std::string ref;  ///< the client's own label, echoed in WELCOME
    std::string proto = "http";
    std::string name;        ///< wanted subdomain; empty: any
    std::string host;        ///< a tunnel that was created before; then `name` is empty
    std::string target;      ///< for listings
    std::uint16_t port = 0;  ///< tcp: the wanted public port; 0: any
    bool mcp = false;        ///< an MCP server: the account's plan must allow it
    // Who may call that server. The edge must know the way, or refuse the tunnel.
    std::string mcp_auth{};                ///< "bearer" or "oauth"; empty: the server itself decides
    std::string mcp_token_sha256{};        ///< bearer: of the token, base64url
    std::vector<std::string> mcp_users{};  ///< oauth: email addresses beside the owner's, or "*" for every account
    // What visitors have to know; both empty: nothing. The edge asks them before anything travels.
    secret password{};
    secret basic{};  ///< "user:password"
    secret seed{};   ///< what visitors' cookies are signed with: the same for all connections of a client's process
};

struct hello {
    int version = 1;
    std::string client_version;
    secret key;
    std::string instance;
    bool resumed = false;  ///< this process has held the tunnel before: it comes back, it does not take over
    std::uint32_t window = 65536;
    std::vector<tunnel_wish> tunnels;  ///< exactly one for now
};

struct tunnel_grant {
    std::string ref;
    std::uint32_t number = 0;
    std::string id;
    std::string name;
    std::string url;
    std::string proto = "http";
    std::uint16_t port = 0;  ///< tcp: where visitors connect to
    bool guarded = false;    ///< the edge asks visitors for what the wish names
};

struct welcome {
    int version = 1;
    std::string session;
    std::uint32_t window = 65536;
    std::vector<tunnel_grant> tunnels;
};

std::string to_json(const hello& h);
std::string to_json(const welcome& w);
/// nullopt for anything that is not a usable handshake: not JSON, wrong types, texts over 512 bytes, more than 64
/// tunnels.
std::optional<hello> parse_hello(std::string_view json);
std::optional<welcome> parse_welcome(std::string_view json);

}  // namespace instatunnel::engine
