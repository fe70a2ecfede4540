#include "logs.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "count.hpp"
#include "credentials.hpp"
#include "explain_failure.hpp"
#include "instatunnel/base/duration.hpp"
#include "instatunnel/wire/request_filter.hpp"
#include "interruption.hpp"
#include "json_line.hpp"
#include "tunnel_printer.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::uint64_t usual_lines = 100;
constexpr std::uint64_t most_lines = 1000;
constexpr std::chrono::seconds wait_for_more{10};  // within the time that a call has
// A server that has something new all the time is not asked more often than its limits let it be.
constexpr std::chrono::milliseconds between_calls{500};
constexpr std::chrono::milliseconds between_tries{2000};

outcome<std::string> read_since(const std::string& text, wall_time now) {
    if (const auto ago = parse_duration(text, std::chrono::days(365))) return to_rfc3339(now - *ago);
    if (parse_rfc3339(text)) return text;
    return failure(errc::usage, "--since is neither a time nor how long ago",
                   "Write it like --since 10m or --since 2026-11-22T15:26:19Z");
}

std::string milliseconds_text(double ms) {
    // Three digits behind the point, as the server measures; JSON has no other numbers than these.
    const auto us = std::llround(ms * 1000);
    auto digits = std::to_string(us % 1000);
    digits.insert(0, 3 - digits.size(), '0');
    return std::to_string(us / 1000) + "." + digits;
}

std::string event_of(const api::request_entry& r) {
    json_line line("request");
    line.with("at", r.at).with("tunnel", r.tunnel).with("tunnel_id", r.tunnel_id);
    line.with("method", r.method).with("path", r.path).with("path_cut", r.path_cut).with("status", r.status);
    line.with("complete", r.complete).with("bytes_in", r.bytes_in).with("bytes_out", r.bytes_out);
    return line.with_json("ms", milliseconds_text(r.ms)).text();
}

class log_printer {
public:
    explicit log_printer(terminal& term) : term_(term) {}

    void print(const api::request_page& page) {
        if (page.gap) tell_gap();
        for (const auto& r : page.requests)
            term_.result(term_.json() ? event_of(r) : log_line(term_, r));
    }

private:
    void tell_gap() {
        if (term_.json()) return term_.result(json_line("log.gap").text());
        term_.notice("Some requests are missing here: the server has forgotten them, or was restarted");
    }

    terminal& term_;
};

// Asks again and again; a server that is away for a while ends nothing. Returns when nobody reads any more, or for a
// failure that waiting does not mend.
outcome<void> follow(api::log_client& client, const credentials& in_use, api::request_question asked,
                     log_printer& printer, interruption& ctrl_c, context& c) {
    asked.limit = most_lines;
    asked.wait = wait_for_more;
    bool in_trouble = false;
    while (!c.term.output_closed()) {
        const auto page = client.requests(in_use.key, asked);
        if (!page && !is_retryable(page.error().code)) return page.error();
        if (!page) {
            if (!std::exchange(in_trouble, true))
                c.term.notice("Connection lost: " + printable(page.error().what()) + ". Trying again");
            (void)ctrl_c.sleep(between_tries);
            continue;
        }
        if (std::exchange(in_trouble, false)) c.term.notice("Connected again");
        printer.print(*page);
        asked.after = page->next;
        if (!page->requests.empty()) (void)ctrl_c.sleep(between_calls);
    }
    return {};
}

}  // namespace

outcome<api::request_question> plan_logs(const logs_options& options, wall_time now) {
    api::request_question asked;
    asked.tunnel = options.name;
    asked.limit = usual_lines;
    if (!options.lines.empty()) {
        const auto lines = parse_count(options.lines, "--lines");
        if (!lines) return lines.error();
        if (*lines == 0 || *lines > most_lines)
            return failure(errc::usage, "--lines is not 1 to " + std::to_string(most_lines),
                           "Write it like --lines 50; --follow shows what comes");
        asked.limit = *lines;
    }
    if (!options.since.empty()) {
        auto since = read_since(options.since, now);
        if (!since) return since.error();
        asked.since = std::move(*since);
        if (options.lines.empty()) asked.limit = most_lines;
    }
    if (!options.status.empty() && !wire::status_set::parse(options.status))
        return failure(errc::usage, "--status is no status or class of statuses",
                       "Write it like --status 404, --status 5xx or --status 400-499,503");
    asked.status = options.status;
    if (options.path.size() > 256) return failure(errc::usage, "--path is longer than 256 bytes");
    asked.path = options.path;
    return asked;
}

std::string log_line(const terminal& term, const api::request_entry& request) {
    client::request_info info;
    const auto path = request.path + (request.path_cut ? "…" : "");
    info.method = request.method;
    info.path = path;
    info.status = static_cast<int>(request.status.value_or(0));
    info.bytes = request.bytes_out;
    info.took = std::chrono::milliseconds(std::llround(request.ms));
    const auto seconds = request.at.substr(0, request.at.find('.'));
    return term.paint(style::faint, printable(seconds) + (seconds.ends_with('Z') ? "" : "Z")) + ' ' +
           printable(request.tunnel) + ' ' + request_line(term, info) + (request.complete ? "" : " (cut off)");
}

outcome<exit_code> run_logs(const logs_options& options, context& c) {
    auto asked = plan_logs(options, wall_now());
    if (!asked) return asked.error();
    // Before the first call, whose threads must inherit the blocked signals.
    std::optional<interruption> ctrl_c;
    if (options.follow) ctrl_c.emplace();
    const auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    api::log_client client(**http, in_use->server);
    log_printer printer(c.term);
    const auto first = client.requests(in_use->key, *asked);
    if (!first) return explain_failure(first.error(), *in_use);
    printer.print(*first);
    if (!options.follow) {
        if (first->requests.empty()) c.term.notice("No requests");
        return exit_code::done;
    }
    asked->after = first->next;
    outcome<void> ended;
    // How one stops to follow is how it is meant to end. A call may have ten seconds to go, and nothing that is open or
    // half written would be harmed by an end at once.
    ctrl_c->during([] { std::_Exit(static_cast<int>(exit_code::done)); },
                   [&] { ended = follow(client, *in_use, std::move(*asked), printer, *ctrl_c, c); });
    if (!ended) return explain_failure(ended.error(), *in_use);
    return exit_code::done;
}

}  // namespace instatunnel::cli
