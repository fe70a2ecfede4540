#include "tunnel_printer.hpp"

#include "instatunnel/base/clock.hpp"
#include "instatunnel/mcp/tool_watch.hpp"
#include "instatunnel/wire/http1.hpp"
#include "json_line.hpp"
#include "mcp_announcer.hpp"

namespace instatunnel::cli {
namespace {

style style_of(int status) {
    if (status == 0 || status >= 500) return style::bad;
    if (status >= 400) return style::warning;
    return status >= 300 ? style::notice : style::good;
}

std::string status_text(int status) {
    if (status == 0) return "reset";
    const auto reason = wire::reason_phrase(status);
    std::string text = std::to_string(status);
    if (reason != "Unknown") text += " " + std::string(reason);
    return text;
}

std::string_view end_name(client::connection_end how) {
    switch (how) {
        case client::connection_end::finished:
            return "closed";
        case client::connection_end::by_visitor:
            return "reset by visitor";
        case client::connection_end::by_target:
            return "reset by target";
        case client::connection_end::unreachable:
            return "target unreachable";
    }
    return "closed";
}

std::string mcp_auth_name(client::mcp_guard guard) {
    return guard == client::mcp_guard::bearer ? "bearer" : guard == client::mcp_guard::oauth ? "oauth" : "none";
}

}  // namespace

std::string connection_line(const terminal& term, const client::connection_info& info) {
    const auto color = info.how == client::connection_end::finished      ? style::good
                       : info.how == client::connection_end::unreachable ? style::bad
                                                                         : style::warning;
    return printable(info.from) + ' ' + term.paint(color, std::string(end_name(info.how))) + ' ' +
           to_human_bytes(info.bytes_in) + " in " + to_human_bytes(info.bytes_out) + " out " +
           term.paint(style::faint, to_human(info.took));
}

std::string request_line(const terminal& term, const client::request_info& info) {
    return printable(info.method) + ' ' + printable(info.path) + ' ' +
           term.paint(style_of(info.status), status_text(info.status)) + ' ' + to_human_bytes(info.bytes) + ' ' +
           term.paint(style::faint, to_human(info.took));
}

tunnel_printer::tunnel_printer(terminal& term, clock now, bool quiet, std::function<void()> reader_gone)
    : term_(term), now_(std::move(now)), quiet_(quiet), reader_gone_(std::move(reader_gone)), started_(now_()) {}

void tunnel_printer::check_reader() {
    if (term_.output_closed()) reader_gone_();
}

void tunnel_printer::starting(const client::tunnel_options& tunnel) {
    raw_ = tunnel.kind != wire::itp::stream_kind::http;
    mcp_auth_ = tunnel.mcp_auth;
    mcp_token_ = tunnel.mcp_token.clone();
    const auto& target = tunnel.upstream.display;
    if (term_.json())
        term_.result(json_line("tunnel.starting").with("target", target).with("server", tunnel.server).text());
    else
        term_.result("🚀 Starting tunnel for " + target + "...");
}

void tunnel_printer::on_ready(const client::ready_info& info) {
    ready_ = true;
    if (term_.json()) {
        json_line line("tunnel.ready");
        line.with("url", info.url)
            .with("name", info.name)
            .with("target", info.target)
            .with("transport", info.transport)
            .with("reconnected", info.reconnected);
        if (mcp_auth_ != client::mcp_guard::none) line.with("mcp_auth", mcp_auth_name(mcp_auth_));
        if (!mcp_token_.empty()) line.with("mcp_token", std::string(mcp_token_.reveal()));
        term_.result(line.text());
    } else if (info.reconnected) {
        term_.notice("Connected again: " + printable(info.url));
    } else {
        term_.result("🚀 Your app is now live at " + printable(info.url));
        term_.result("🔗 Forwarding " + printable(info.url) + " -> " + printable(info.target));
        term_.result(raw_ ? "⚡ Ready to receive connections! Press Ctrl+C to stop"
                          : "⚡ Ready to receive requests! Press Ctrl+C to stop");
        if (!mcp_token_.empty()) term_.result("🔑 MCP token: " + std::string(mcp_token_.reveal()));
    }
    if (!info.reconnected && when_ready_) when_ready_(info);
    check_reader();
}

void tunnel_printer::on_request(const client::request_info& info) {
    ++requests_;
    if (quiet_) return;
    if (!term_.json()) return add_line(request_line(term_, info));
    add_line(json_line("request")
                 .with("method", info.method)
                 .with("path", info.path)
                 .with("status", info.status)
                 .with("bytes", info.bytes)
                 .with("ms", info.took.count())
                 .text());
}

void tunnel_printer::on_connection(const client::connection_info& info) {
    ++requests_;
    if (quiet_) return;
    if (!term_.json()) return add_line(connection_line(term_, info));
    add_line(json_line("connection")
                 .with("from", info.from)
                 .with("bytes_in", info.bytes_in)
                 .with("bytes_out", info.bytes_out)
                 .with("end", end_name(info.how))
                 .with("ms", info.took.count())
                 .text());
}

void tunnel_printer::add_line(std::string_view line) {
    if (waiting_lines_++ != 0) waiting_ += '\n';
    waiting_ += line;
}

// One write for all requests of a turn: at a high rate a write a line would cost more than the request itself.
void tunnel_printer::on_turn_end() {
    if (waiting_lines_ == 0) return;
    term_.offer(waiting_, waiting_lines_);
    waiting_.clear();
    waiting_lines_ = 0;
    check_reader();
}

void tunnel_printer::on_reconnecting(const failure& why, std::chrono::milliseconds wait, unsigned attempt) {
    if (term_.json())
        term_.result(json_line("tunnel.reconnecting")
                         .with("attempt", attempt)
                         .with("wait_ms", wait.count())
                         .with("reason", printable(why.what()))
                         .text());
    else
        term_.notice("Connection lost: " + printable(why.what()) + ". Trying again in " + to_human(wait) +
                     " (attempt " + std::to_string(attempt) + ")");
    check_reader();
}

void tunnel_printer::on_notice(const failure& what) {
    if (term_.json()) {
        term_.result(json_line("notice")
                         .with("code", code_name(what.code))
                         .with("message", printable(what.what()))
                         .with("hint", printable(what.what_next()))
                         .text());
        check_reader();
        return;
    }
    term_.notice("Notice: " + printable(what.what()) + ". " + printable(what.what_next()));
}

void tunnel_printer::on_tool_changed(const mcp::tool_change& change) {
    if (term_.json()) {
        term_.result(json_line("mcp.tool_changed")
                         .with("tool", change.tool)
                         .with("parts", std::span<const std::string>(change.parts))
                         .text());
        return check_reader();
    }
    term_.notice("Notice: " + printable(change_text(change)) + ". Look at it before you go on trusting it");
}

client::summary tunnel_printer::counted() const {
    return {requests_, std::chrono::duration_cast<std::chrono::milliseconds>(now_() - started_)};
}

void tunnel_printer::closed(const client::summary& total) {
    on_turn_end();
    if (const auto left_out = term_.dropped(); left_out > 0)
        term_.notice(std::to_string(left_out) + " lines about requests were left out: nobody read the output");
    if (term_.json())
        term_.result(json_line("tunnel.closed")
                         .with(raw_ ? "connections" : "requests", total.requests)
                         .with("ms", total.lasted.count())
                         .text());
    else
        term_.result("📊 Session Summary: " + std::to_string(total.requests) + (raw_ ? " connections" : " requests") +
                     " handled in " + to_human(total.lasted));
}

}  // namespace instatunnel::cli
