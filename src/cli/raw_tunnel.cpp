#include "raw_tunnel.hpp"

#include <charconv>

#include "credentials.hpp"
#include "hold_tunnel.hpp"
#include "instatunnel/base/names.hpp"
#include "tunnel_name.hpp"

namespace instatunnel::cli {
namespace {

outcome<client::target> read_raw_target(const raw_tunnel_options& o) {
    const std::string kind(wire::itp::kind_name(o.kind));
    auto to = client::parse_target(o.target);
    if (!to) return to;
    // A scheme says what the bytes mean, and nobody looks at them here.
    if (to->is_tls || o.target.find("://") != std::string::npos)
        return failure(errc::malformed_target,
                       "A " + kind + " tunnel passes bytes on as they are: its target has no scheme",
                       "Write it like: instatunnel " + kind + " localhost:" + std::to_string(to->port));
    return to;
}

outcome<std::uint16_t> read_port(const std::string& text) {
    if (text.empty()) return std::uint16_t{0};
    std::uint16_t port = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (ec != std::errc() || end != text.data() + text.size() || port == 0)
        return failure(errc::usage, "--remote-port is not a number from 1 to 65535",
                       "Write it like --remote-port 20001");
    return port;
}

}  // namespace

outcome<exit_code> run_raw_tunnel(const raw_tunnel_options& o, context& c) {
    client::tunnel_options tunnel;
    tunnel.kind = o.kind;
    auto to = read_raw_target(o);
    if (!to) return to.error();
    tunnel.upstream = std::move(*to);
    auto name = read_tunnel_name(o.subdomain);
    if (!name) return name.error();
    tunnel.name = std::move(*name);
    const auto port = read_port(o.remote_port);
    if (!port) return port.error();
    tunnel.public_port = *port;
    if (!o.proxy_protocol.empty()) {
        tunnel.proxy = wire::parse_proxy_version(o.proxy_protocol);
        if (!tunnel.proxy)
            return failure(errc::usage, "--proxy-protocol is v1 or v2", "Write it like --proxy-protocol v2");
    }
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    return hold_tunnel(std::move(tunnel), *in_use, o.quiet, c);
}

}  // namespace instatunnel::cli
