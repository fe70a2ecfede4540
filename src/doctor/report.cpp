#include "instatunnel/doctor/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "instatunnel/base/names.hpp"
#include "instatunnel/base/version.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

using ordered = nlohmann::ordered_json;

struct check_name {
    const char* id;
    const char* title;
};

// In the order of `step`.
constexpr check_name check_names[] = {
    {"version", "Program"},
    {"configuration", "Configuration"},
    {"key", "API key"},
    {"dns", "Name look-up"},
    {"tcp", "Connection"},
    {"proxy", "Proxy"},
    {"tls", "TLS"},
    {"api", "API"},
    {"clock", "Clock"},
    {"account", "Account"},
    {"plan", "Plan"},
    {"transport", "Transport"},
    {"port", "Local program"},
    {"host", "Public name"},
    {"mcp", "MCP server"},
};
static_assert(std::size(check_names) == static_cast<std::size_t>(step::mcp) + 1);
static_assert(std::size(check_names) == most_checks);

constexpr std::size_t longest_text = 300;

ordered text_or_null(const std::string& text) {
    return text.empty() ? ordered() : ordered(text);
}

ordered to_object(const check& c) {
    ordered one;
    one["id"] = c.id;
    one["title"] = c.title;
    one["state"] = std::string(state_name(c.state));
    one["found"] = text_or_null(c.found);
    one["cause"] = text_or_null(c.cause);
    one["mend"] = text_or_null(c.mend);
    one["code"] = c.code == errc::ok ? ordered() : ordered(std::string(code_name(c.code)));
    one["took_ms"] = c.took.count();
    return one;
}

// The hints of timeouts send people here.
std::string mend_of(const failure& why) {
    const bool points_here =
        why.code == errc::connect_timeout || why.code == errc::hello_timeout || why.code == errc::tls_handshake_timeout;
    if (why.next.empty() && points_here) return "Try again; if it stays, ask the server's owner";
    return std::string(why.what_next());
}

}  // namespace

std::size_t report::count(check_state state) const noexcept {
    return static_cast<std::size_t>(
        std::ranges::count_if(checks, [state](const check& c) { return c.state == state; }));
}

exit_code report::exit() const noexcept {
    const auto first = std::ranges::find_if(checks, [](const check& c) { return c.state == check_state::failed; });
    return first == checks.end() ? exit_code::done : exit_code_for(first->code);
}

std::string_view state_name(check_state state) noexcept {
    switch (state) {
        case check_state::ok:
            return "ok";
        case check_state::warning:
            return "warning";
        case check_state::failed:
            return "failed";
        case check_state::skipped:
            break;
    }
    return "skipped";
}

std::string to_json(const report& r) {
    ordered body;
    body["event"] = "doctor.report";
    body["ok"] = r.count(check_state::failed) == 0;
    body["version"] = std::string(version());
    body["server"] = text_or_null(r.server);
    body["support"] = text_or_null(r.support);
    body["checks"] = ordered::array();
    for (const auto& c : r.checks)
        body["checks"].push_back(to_object(c));
    for (const auto state : {check_state::ok, check_state::warning, check_state::failed, check_state::skipped})
        body["summary"][std::string(state_name(state))] = r.count(state);
    body["exit_code"] = static_cast<int>(r.exit());
    body["took_ms"] = r.took.count();
    return body.dump(-1, ' ', false, ordered::error_handler_t::replace);
}

std::string presentable(std::string text) {
    // A server may repeat what it was asked with.
    if (holds_api_key(text)) return "(left out: it holds an API key)";
    if (text.size() > longest_text) {
        std::size_t end = longest_text;
        while (end > 0 && (text[end] & 0xC0) == 0x80)  // inside of a character
            --end;
        text.resize(end);
        text += "…";
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
        const bool c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
        if (byte < 0x20 || byte == 0x7F || c1) text[i] = '?';
        if (c1) text.erase(i + 1, 1);
    }
    return text;
}

check make_check(step which) {
    const auto& name = check_names[static_cast<std::size_t>(which)];
    check c;
    c.id = name.id;
    c.title = name.title;
    return c;
}

check well(check c, std::string found) {
    c.state = check_state::ok;
    c.found = presentable(std::move(found));
    return c;
}

check warned(check c, std::string found, std::string cause, std::string mend, errc code) {
    c.state = check_state::warning;
    c.found = presentable(std::move(found));
    c.cause = presentable(std::move(cause));
    c.mend = presentable(std::move(mend));
    c.code = code;
    return c;
}

check failed(check c, std::string found, const failure& why) {
    c.state = check_state::failed;
    c.found = presentable(std::move(found));
    c.cause = presentable(std::string(why.what()));
    c.mend = presentable(mend_of(why));
    c.code = why.code;
    return c;
}

check skipped(check c, std::string cause, std::string mend) {
    c.state = check_state::skipped;
    c.cause = presentable(std::move(cause));
    c.mend = presentable(std::move(mend));
    return c;
}

}  // namespace instatunnel::doctor
