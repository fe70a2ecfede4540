#include "tunnels.hpp"

#include <algorithm>

#include "credentials.hpp"
#include "explain_failure.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_line.hpp"
#include "text_table.hpp"
#include "tunnel_figures.hpp"

namespace instatunnel::cli {
namespace {

void print_tunnel(const api::tunnel_info& t, terminal& term) {
    term.result(printable(t.url) + " -> " + printable(t.target));
    term.result("  Subdomain: " + printable(t.name) + "  Status: " + printable(t.status) +
                "  Requests: " + std::to_string(t.requests) + "  Created: " + printable(t.created_at));
    if (!t.uptime_seconds) return;  // older servers tell none of what follows
    term.result("  Uptime: " + uptime_text(t) + "  In: " + to_human_bytes(t.bytes_in) +
                "  Out: " + to_human_bytes(t.bytes_out) + "  Latency: p50 " + latency_text(t.latency_p50_ms) +
                ", p99 " + latency_text(t.latency_p99_ms));
}

// The port of "localhost:3000"; what has none is shown as it is.
std::string port_of(const std::string& target) {
    const auto port = target.substr(target.rfind(':') + 1);
    const bool is_number = !port.empty() && std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; });
    return is_number ? port : target;
}

void print_table(const std::vector<api::tunnel_info>& tunnels, terminal& term) {
    text_table table({"ID", "SUBDOMAIN", "PORT", "URL", "STATUS", "UPTIME", "REQUESTS", "IN", "OUT", "P50", "P99"});
    for (const auto& t : tunnels)
        if (is_active(t))
            table.add({t.id, t.name, port_of(t.target), t.url, t.status, uptime_text(t), std::to_string(t.requests),
                       to_human_bytes(t.bytes_in), to_human_bytes(t.bytes_out), latency_text(t.latency_p50_ms),
                       latency_text(t.latency_p99_ms)});
    for (const auto& line : table.lines())
        term.result(line);
}

}  // namespace

outcome<exit_code> run_list(const list_options& options, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    const auto tunnels = api::auth_client(**http, in_use->server).tunnels(in_use->key);
    if (!tunnels) return explain_failure(tunnels.error(), *in_use);
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& t : *tunnels)
            objects.push_back(tunnel_object(t));
        c.term.result(json_line("tunnels").with_objects("tunnels", objects).text());
        return exit_code::done;
    }
    const auto active = std::ranges::count_if(*tunnels, is_active);
    if (options.as_table && active > 0) {
        print_table(*tunnels, c.term);
    } else {
        c.term.result(active == 0 ? "No active tunnels" : "Active Tunnels (" + std::to_string(active) + ")");
        for (const auto& t : *tunnels)
            if (is_active(t)) print_tunnel(t, c.term);
    }
    const auto idle = tunnels->size() - static_cast<std::size_t>(active);
    if (idle > 0)
        c.term.notice((idle == 1 ? "1 more name is" : std::to_string(idle) + " more names are") +
                      std::string(" kept for this account: instatunnel ls --json"));
    return exit_code::done;
}

outcome<exit_code> run_kill(const kill_options& options, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    if (auto closed = api::auth_client(**http, in_use->server).close_tunnel(in_use->key, options.name); !closed)
        return explain_failure(closed.error(), *in_use);
    if (c.term.json())
        c.term.result(json_line("tunnel.killed").with("name", options.name).text());
    else
        c.term.result("Tunnel '" + printable(options.name) + "' has been stopped");
    return exit_code::done;
}

}  // namespace instatunnel::cli
