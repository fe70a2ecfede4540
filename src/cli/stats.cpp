#include "stats.hpp"

#include <algorithm>
#include <vector>

#include "bar.hpp"
#include "credentials.hpp"
#include "explain_failure.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "tunnel_figures.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t bar_width = 24;
constexpr std::size_t value_width = 10;

using tunnel_list = std::vector<api::tunnel_info>;

/// The largest of each figure, which is as long as a bar can be.
struct largest_figures {
    double requests = 0;
    double bytes = 0;
    double latency = 0;
};

largest_figures largest_of(const tunnel_list& tunnels) {
    largest_figures most;
    for (const auto& t : tunnels) {
        most.requests = std::max(most.requests, static_cast<double>(t.requests));
        most.bytes = std::max({most.bytes, static_cast<double>(t.bytes_in), static_cast<double>(t.bytes_out)});
        most.latency = std::max({most.latency, t.latency_p50_ms.value_or(0), t.latency_p99_ms.value_or(0)});
    }
    return most;
}

class figure_printer {
public:
    figure_printer(context& c, const largest_figures& most)
        : c_(c), most_(most), draws_(c.term.may_draw() && c.env.utf8) {}

    void print(const api::tunnel_info& t) {
        c_.term.result(printable(t.url) + " -> " + printable(t.target));
        line("Status", printable(t.status), 0, 0);
        line("Uptime", uptime_text(t), 0, 0);
        line("Requests", std::to_string(t.requests), static_cast<double>(t.requests), most_.requests);
        line("Bytes in", to_human_bytes(t.bytes_in), static_cast<double>(t.bytes_in), most_.bytes);
        line("Bytes out", to_human_bytes(t.bytes_out), static_cast<double>(t.bytes_out), most_.bytes);
        line("Latency p50", latency_text(t.latency_p50_ms), t.latency_p50_ms.value_or(0), most_.latency);
        line("Latency p99", latency_text(t.latency_p99_ms), t.latency_p99_ms.value_or(0), most_.latency);
    }

private:
    void line(const std::string& name, std::string value, double figure, double largest) {
        const auto drawn = draws_ ? bar(figure, largest, bar_width) : std::string();
        const auto blanks = value.size() < value_width ? value_width - value.size() : 1;
        if (!drawn.empty()) value.append(blanks, ' ').append(c_.term.paint(style::good, drawn));
        c_.term.result("  " + name + ": " + std::string(draws_ ? 11 - name.size() : 0, ' ') + value);
    }

    context& c_;
    const largest_figures most_;
    const bool draws_;
};

void print_account(const api::account_info& a, terminal& term) {
    auto plan = a.plan;
    if (!plan.empty())
        plan.replace(0, 1, 1, static_cast<char>(plan[0] >= 'a' && plan[0] <= 'z' ? plan[0] - 32 : plan[0]));
    term.result("📋 Plan: " + printable(plan));
    term.result("📊 Usage: " + std::to_string(a.tunnels_created) + " tunnels created, " +
                std::to_string(a.requests_served) + " requests served, " + printable(a.data_transferred) +
                " transferred");
}

void print_json(const api::account_info& a, const tunnel_list& tunnels, terminal& term) {
    std::vector<json_line> objects;
    for (const auto& t : tunnels)
        objects.push_back(tunnel_object(t));
    json_line line("stats");
    line.with("plan", a.plan).with("tunnels_created", a.tunnels_created).with("requests_served", a.requests_served);
    line.with("bytes_in", a.bytes_in).with("bytes_out", a.bytes_out).with("bytes_transferred", a.bytes_transferred);
    term.result(line.with("tunnels_online", a.tunnels_online).with_objects("tunnels", objects).text());
}

bool is_called(const api::tunnel_info& t, const std::string& name) {
    const auto lower = to_lower(name);
    const auto start = t.url.find("://");
    const auto host = start == std::string::npos ? std::string() : t.url.substr(start + 3);
    return t.id == name || t.name == lower || host.substr(0, host.find(':')) == lower;
}

}  // namespace

outcome<exit_code> run_stats(const stats_options& options, context& c) {
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    api::auth_client client(**http, in_use->server);
    const auto account = client.account(in_use->key);
    if (!account) return explain_failure(account.error(), *in_use);
    auto tunnels = client.tunnels(in_use->key);
    if (!tunnels) return explain_failure(tunnels.error(), *in_use);
    std::erase_if(*tunnels, [&](const api::tunnel_info& t) {
        return options.name.empty() ? !is_active(t) : !is_called(t, options.name);
    });
    if (tunnels->empty() && !options.name.empty())
        return failure(errc::not_found, "There is no tunnel \"" + printable(options.name) + "\" in this account",
                       "See the tunnels there are: instatunnel ls");
    if (c.term.json()) {
        print_json(*account, *tunnels, c.term);
        return exit_code::done;
    }
    if (options.name.empty()) {
        print_account(*account, c.term);
        c.term.result(tunnels->empty() ? "No active tunnels"
                                       : "Active Tunnels (" + std::to_string(tunnels->size()) + ")");
    }
    figure_printer printer(c, largest_of(*tunnels));
    for (const auto& t : *tunnels)
        printer.print(t);
    return exit_code::done;
}

}  // namespace instatunnel::cli
