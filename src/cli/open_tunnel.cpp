#include "open_tunnel.hpp"

#include "credentials.hpp"
#include "instatunnel/app/descriptor_limit.hpp"
#include "instatunnel/app/signals.hpp"
#include "instatunnel/base/log.hpp"
#include "key_problem.hpp"
#include "stop_relay.hpp"
#include "tunnel_plan.hpp"
#include "tunnel_printer.hpp"
#include "visitor_access.hpp"

namespace instatunnel::cli {
namespace {

client::tunnel_options to_tunnel_options(const tunnel_plan& plan, const client::target& upstream,
                                         const credentials& in_use, visitor_access access) {
    client::tunnel_options o;
    o.upstream = upstream;
    o.directory_rules = plan.directory_rules;
    o.server = in_use.server;
    o.cacert = in_use.cacert;
    o.key = in_use.key.clone();
    o.name = plan.name;
    o.existing_host = plan.existing_host;
    o.host_mode = plan.host_mode;
    o.host_value = plan.host_value;
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

    app::raise_descriptor_limit();
    stop_relay relay;
    // Before the tunnel, whose threads must inherit the blocked signals.
    const app::signal_watcher watcher([&](int) {
        relay.signal();
        if (relay.heard() == 1 && c.term.talks_to_person())
            c.term.notice("Stopping when the requests in flight are done; Ctrl+C again stops at once");
    });
    tunnel_printer printer(c.term, c.now, options.quiet, [&] { relay.signal(); });
    printer.starting(*upstream, in_use->server);
    client::tunnel tunnel(to_tunnel_options(*plan, *upstream, *in_use, std::move(*access)), printer);
    relay.attach([&] { tunnel.stop(); });
    const auto ended = tunnel.run();
    relay.detach();

    if (ended || printer.was_ready()) printer.closed(ended ? *ended : printer.counted());
    if (!ended) return explain_key_problem(ended.error(), *in_use);
    return exit_code::done;
}

}  // namespace instatunnel::cli
