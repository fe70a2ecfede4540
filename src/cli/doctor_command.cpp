#include "doctor_command.hpp"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "credentials.hpp"
#include "explain_failure.hpp"
#include "instatunnel/base/clock.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t title_width = 15;

outcome<std::optional<client::target>> read_port(const std::string& port) {
    if (port.empty()) return std::optional<client::target>();
    if (!std::ranges::all_of(port, [](char c) { return c >= '0' && c <= '9'; }))
        return failure(errc::malformed_target, "--port is not a number from 1 to 65535",
                       "Write it like: instatunnel doctor --port 3000");
    auto target = client::parse_target(port);
    if (!target) return target.error();
    return std::optional<client::target>(std::move(*target));
}

// What flags and variables say stays true while the configuration cannot be read.
outcome<void> take_what_is_certain(doctor::settings& s, const context& c) {
    const bool by_flag = !c.globals.server.empty();
    if (by_flag || !c.env.server.empty()) {
        s.server_from = by_flag ? "--server" : "INSTATUNNEL_SERVER";
        auto server = check_server(by_flag ? c.globals.server : c.env.server, s.server_from);
        if (server) s.server = std::move(*server);
    }
    if (!c.globals.cacert.empty()) s.cacert = std::filesystem::absolute(c.globals.cacert).lexically_normal();
    const bool key_by_flag = !c.globals.api_key.empty();
    if (!key_by_flag && c.env.api_key.empty()) return *s.place_problem;
    s.key_from = key_by_flag ? "--api-key" : "INSTATUNNEL_API_KEY";
    auto key = check_key((key_by_flag ? c.globals.api_key : c.env.api_key).reveal(), s.key_from);
    if (!key) return key.error();
    s.key = std::move(*key);
    return {};
}

outcome<void> take_key(doctor::settings& s, context& c) {
    auto resolved = resolve(c, key_need::required);
    if (!resolved) return resolved.error();
    const auto in_use = std::make_shared<const credentials>(std::move(*resolved));
    // Without any configuration a dev edge of this machine stands in, with its server.
    s.profile = in_use->profile.name;
    s.server = in_use->server;
    s.server_from = describe_server_origin(*in_use);
    s.is_default_server = in_use->server_from == origin::preset;
    s.cacert = in_use->cacert;
    s.key = in_use->key.clone();
    s.key_from = describe_key_origin(*in_use);
    s.explain_key = [in_use](const failure& f) { return explain_failure(f, *in_use); };
    return {};
}

struct mark {
    const char* symbol;
    const char* ascii;
    style colour;
};

mark mark_of(doctor::check_state state) {
    switch (state) {
        case doctor::check_state::ok:
            return {"✓", "+", style::good};
        case doctor::check_state::warning:
            return {"!", "!", style::warning};
        case doctor::check_state::failed:
            return {"✗", "x", style::bad};
        case doctor::check_state::skipped:
            break;
    }
    return {"–", "-", style::faint};
}

class check_printer {
public:
    explicit check_printer(context& c) : c_(c) {}

    void print(const doctor::check& one) const {
        const auto m = mark_of(one.state);
        const bool is_skipped = one.state == doctor::check_state::skipped;
        const auto blanks = std::string(title_width - std::min(title_width - 1, one.title.size()), ' ');
        const auto text = is_skipped ? c_.term.paint(style::faint, "skipped: " + one.cause) : one.found;
        c_.term.result(c_.term.paint(m.colour, c_.env.utf8 ? m.symbol : m.ascii) + " " + one.title + blanks + text);
        if (!is_skipped && !one.cause.empty()) c_.term.result("    " + one.cause);
        if (!one.mend.empty())
            c_.term.result(std::string("    ") + (c_.env.utf8 ? "→ " : "-> ") + c_.term.paint(style::notice, one.mend));
    }

    void print_sum(const doctor::report& r) const {
        using state = doctor::check_state;
        const auto warnings = r.count(state::warning);
        if (!r.support.empty()) c_.term.result("Questions about this server: " + r.support);
        c_.term.result(std::to_string(r.count(state::ok)) + " ok, " + std::to_string(warnings) +
                       (warnings == 1 ? " warning, " : " warnings, ") + std::to_string(r.count(state::failed)) +
                       " failed, " + std::to_string(r.count(state::skipped)) + " skipped in " + to_human(r.took));
    }

private:
    context& c_;
};

}  // namespace

outcome<doctor::settings> doctor_settings(const doctor_options& options, context& c) {
    doctor::settings s;
    auto local = read_port(options.port);
    if (!local) return local.error();
    s.local = std::move(*local);
    if (!c.globals.server.empty())
        if (auto usable = check_server(c.globals.server, "--server"); !usable) return usable.error();
    s.mcp = options.mcp;
    s.home = c.store.home();
    s.config_file = c.store.file();
    s.proxy = {c.env.proxy_variable, c.env.proxy, c.env.no_proxy};

    auto place = resolve(c, key_need::none);
    outcome<void> key = errc::no_key;
    if (place) {
        s.profile = place->profile.name;
        s.server = place->server;
        s.server_from = describe_server_origin(*place);
        s.is_default_server = place->server_from == origin::preset;
        s.cacert = place->cacert;
        key = take_key(s, c);
    } else {
        s.place_problem = place.error();
        key = take_what_is_certain(s, c);
    }
    if (!key) s.key_problem = key.error();
    return s;
}

outcome<exit_code> run_doctor(const doctor_options& options, context& c) {
    const auto settings = doctor_settings(options, c);
    if (!settings) return settings.error();
    if (c.term.json()) {
        const auto found = doctor::examine(*settings);
        c.term.result(doctor::to_json(found));
        return found.exit();
    }
    const check_printer printer(c);
    const auto found = doctor::examine(*settings, [&](const doctor::check& one) { printer.print(one); });
    printer.print_sum(found);
    return found.exit();
}

}  // namespace instatunnel::cli
