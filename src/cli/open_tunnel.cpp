#include "open_tunnel.hpp"

#include "credentials.hpp"
#include "hold_tunnel.hpp"
#include "instatunnel/base/log.hpp"
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
    o.mcp = plan.mcp;
    o.mcp_tools = plan.mcp_tools;
    o.visitor_password = std::move(access.password);
    o.visitor_basic = std::move(access.basic);
    return o;
}

}  // namespace

outcome<exit_code> run_open(const open_options& options, context& c) {
    const auto plan = plan_tunnel(options);
    if (!plan) return plan.error();
    auto access = choose_access(options, c);
    if (!access) return access.error();
    if (!options.region.empty()) log::debug("flag.ignored").with("flag", "--region");
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    const auto upstream = find_upstream(*plan);
    if (!upstream) return upstream.error();

    return hold_tunnel(to_tunnel_options(*plan, *upstream, std::move(*access)), *in_use, options.quiet, c);
}

}  // namespace instatunnel::cli
