#include "open_tunnel.hpp"

#include "credentials.hpp"
#include "hold_tunnel.hpp"
#include "instatunnel/base/log.hpp"
#include "mcp_access.hpp"
#include "tunnel_plan.hpp"
#include "visitor_access.hpp"

namespace instatunnel::cli {
namespace {

client::tunnel_options to_tunnel_options(const tunnel_plan& plan, const client::target& upstream,
                                         visitor_access access) {
    client::tunnel_options o;
    o.upstream = upstream;
    o.directory_rules = plan.directory_rules;
    o.name = plan.name;
    o.existing_host = plan.existing_host;
    o.host_mode = plan.host_mode;
    o.host_value = plan.host_value;
    o.protocol = plan.protocol;
    o.via = plan.via;
    o.mcp = plan.mcp;
    o.mcp_tools = plan.mcp_tools;
    o.mcp_command = plan.mcp_command;
    o.mcp_shared = plan.mcp_shared;
    o.mcp_max_sessions = plan.mcp_max_sessions;
    o.mcp_session_idle = plan.mcp_session_idle;
    o.visitor_password = std::move(access.password);
    o.visitor_basic = std::move(access.basic);
    return o;
}

}  // namespace

outcome<exit_code> run_open(const open_options& options, context& c) {
    const bool has_target = !options.target.empty() || !options.port.empty() || options.react || options.laravel;
    if (options.extras.share && !has_target) return run_share(c);
    const auto plan = plan_tunnel(options);
    if (!plan) return plan.error();
    auto access = choose_access(options, c);
    if (!access) return access.error();
    auto mcp = read_mcp_access(options);
    if (!mcp) return mcp.error();
    if (mcp->guard != client::mcp_guard::none && (!access->password.empty() || !access->basic.empty()))
        return failure(errc::usage, "A password for visitors and --mcp-auth would both have to be passed",
                       "Give one of --password, --auth and --mcp-auth");
    if (!options.region.empty()) log::debug("flag.ignored").with("flag", "--region");
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    const auto upstream = find_upstream(*plan);
    if (!upstream) return upstream.error();

    ready_extras extras(options.extras, c);
    auto tunnel = to_tunnel_options(*plan, *upstream, std::move(*access));
    tunnel.mcp_auth = mcp->guard;
    tunnel.mcp_users = std::move(mcp->users);
    if (tunnel.mcp_auth == client::mcp_guard::bearer) {
        auto token = take_mcp_token(options, *plan, *in_use, c);
        if (!token) return token.error();
        tunnel.mcp_token = std::move(*token);
    }
    return hold_tunnel(std::move(tunnel), *in_use, options.quiet, c, [&](const std::string& url) { extras.show(url); });
}

}  // namespace instatunnel::cli
