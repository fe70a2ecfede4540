#include "tunnels.hpp"

#include <algorithm>

#include "credentials.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "json_line.hpp"
#include "key_problem.hpp"

namespace instatunnel::cli {
namespace {

json_line as_object(const api::tunnel_info& t) {
    auto object = json_line::object();
    object.with("id", t.id).with("name", t.name).with("url", t.url).with("target", t.target);
    object.with("status", t.status).with("created_at", t.created_at).with("requests", t.requests);
    return object;
}

void print_tunnel(const api::tunnel_info& t, terminal& term) {
    term.result(printable(t.url) + " -> " + printable(t.target));
    term.result("  Subdomain: " + printable(t.name) + "  Status: " + printable(t.status) +
                "  Requests: " + std::to_string(t.requests) + "  Created: " + printable(t.created_at));
}

}  // namespace

outcome<exit_code> run_list(const list_options&, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    const auto tunnels = api::auth_client(**http, in_use->server).tunnels(in_use->key);
    if (!tunnels) return explain_key_problem(tunnels.error(), *in_use);
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& t : *tunnels)
            objects.push_back(as_object(t));
        c.term.result(json_line("tunnels").with_objects("tunnels", objects).text());
        return exit_code::done;
    }
    // Services differ in the word for a tunnel that is connected.
    const auto is_active = [](const api::tunnel_info& t) { return t.status == "online" || t.status == "active"; };
    const auto active = std::ranges::count_if(*tunnels, is_active);
    c.term.result(active == 0 ? "No active tunnels" : "Active Tunnels (" + std::to_string(active) + ")");
    for (const auto& t : *tunnels)
        if (is_active(t)) print_tunnel(t, c.term);
    const auto idle = tunnels->size() - static_cast<std::size_t>(active);
    if (idle > 0) c.term.notice(std::to_string(idle) + " more names are kept for this account: instatunnel ls --json");
    return exit_code::done;
}

outcome<exit_code> run_kill(const kill_options& options, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    if (auto closed = api::auth_client(**http, in_use->server).close_tunnel(in_use->key, options.name); !closed)
        return explain_key_problem(closed.error(), *in_use);
    if (c.term.json())
        c.term.result(json_line("tunnel.killed").with("name", options.name).text());
    else
        c.term.result("Tunnel '" + printable(options.name) + "' has been stopped");
    return exit_code::done;
}

}  // namespace instatunnel::cli
