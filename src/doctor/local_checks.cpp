#include "local_checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "host_block.hpp"
#include "instatunnel/client/local_probe.hpp"
#include "instatunnel/client/mcp_words.hpp"
#include "instatunnel/net/dial.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds door_limit{1'000};
// Development servers build a page when it is first asked for.
constexpr milliseconds first_answer_limit{8'000};
constexpr milliseconds answer_limit{3'000};
constexpr milliseconds mcp_limit{8'000};
// Of a range that nobody has (RFC 5737): a visitor from somewhere.
constexpr const char* some_visitor = "203.0.113.7";

using field_list = std::vector<std::pair<std::string, std::string>>;

/// The local program, asked one thing after the other.
class local_examination {
public:
    local_examination(const settings& s, steady_clock::time_point deadline, const std::function<void(check)>& tell)
        : s_(s), deadline_(deadline), tell_(tell) {}

    void run() {
        if (s_.local) {
            to_ = *s_.local;
        } else if (auto found = client::detect_target()) {
            to_ = std::move(*found);
        } else {
            tell_(skipped(make_check(step::port), "No port was named, and none of the usual ones answers",
                          "Name it: instatunnel doctor --port 3000"));
            return skip_rest("There is no local program to ask");
        }
        auto verdict = check_door();
        const bool is_usable = verdict.state == check_state::ok || answers_with_error_;
        tell_(std::move(verdict));
        if (!is_usable) return skip_rest("The local program has to answer first");
        tell_(check_public_name());
        if (s_.mcp) tell_(check_mcp());
    }

private:
    milliseconds left(milliseconds most) const {
        const auto rest = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
        return std::clamp(rest, milliseconds(0), most);
    }

    void skip_rest(const std::string& why) {
        tell_(skipped(make_check(step::host), why));
        if (s_.mcp) tell_(skipped(make_check(step::mcp), why, "instatunnel doctor --mcp --port 8787"));
    }

    std::string port_text() const { return std::to_string(to_.port); }
    std::string own_name() const { return to_.host + ":" + port_text(); }

    // A program that was found by chance need not be the one that is meant.
    check trouble(std::string found, const failure& why) const {
        auto c = failed(make_check(step::port), std::move(found), why);
        if (!s_.local) c.state = check_state::warning;
        return c;
    }

    check check_door() {
        const auto doors = to_.is_unix || to_.host != "localhost"
                               ? client::loopback_doors{true, true}
                               : client::find_loopback_doors(to_.port, left(door_limit));
        if (!doors.v4 && !doors.v6)
            return trouble(to_.display,
                           {errc::target_unreachable, "Nothing listens on port " + port_text() + " of localhost",
                            "Start the program there, then: instatunnel doctor --port " + port_text() +
                                " (what listens: ss -ltn)"});
        const auto where = doors.v4 && doors.v6 ? "" : doors.v4 ? " on IPv4" : " on IPv6 alone, which tunnels reach";
        auto own = client::ask_local(to_, own_name(), "/", {{"Accept", "text/html, */*"}}, left(first_answer_limit));
        // Some servers tell in plain HTTP that they want TLS, with 400.
        const bool may_be_tls = own ? own->status == 400 : own.error().code == errc::protocol_error;
        if (may_be_tls && speaks_tls())
            return trouble(to_.display + where, {errc::target_bad_response, "It speaks TLS, not plain HTTP",
                                                 "Name it so: instatunnel https://localhost:" + port_text()});
        if (!own && own.error().code == errc::protocol_error)
            return trouble(to_.display + where, {errc::target_bad_response, "What answers there speaks no HTTP/1.1",
                                                 "For another protocol: instatunnel tcp " + port_text() +
                                                     "; for gRPC: instatunnel " + port_text() + " --upstream h2c"});
        if (!own)
            return trouble(
                to_.display + where,
                {own.error().code,
                 own.error().code == errc::target_timeout ? "It accepts connections and did not answer GET / in time"
                                                          : "It closed the connection",
                 "Look at the program's log; one that builds its pages at the first request is quicker the next time"});
        own_ = std::move(*own);
        const auto text = to_.display + where + " answers GET / with status " + std::to_string(own_.status);
        if (own_.status < 500) return well(make_check(step::port), text);
        answers_with_error_ = true;
        return warned(make_check(step::port), text, "The program itself reports an error", "Look at the program's log",
                      errc::target_bad_response);
    }

    bool speaks_tls() const {
        auto as_tls = to_;
        as_tls.is_tls = true;
        return client::ask_local(as_tls, own_name(), "/", {}, left(answer_limit)).has_value();
    }

    field_list forwarded() const {
        return {{"Accept", "text/html, */*"},
                {"X-Forwarded-For", some_visitor},
                {"X-Forwarded-Proto", "https"},
                {"X-Forwarded-Host", public_name_}};
    }

    check check_public_name() {
        const auto url = net::parse_url(s_.server);
        if (!url) return skipped(make_check(step::host), "The server is not known, and with it the public name");
        const auto domain = tunnel_domain(url->host);
        public_name_ = "doctor." + domain + (url->port == 443 ? "" : ":" + std::to_string(url->port));
        host_answers heard;
        heard.own = own_;
        auto as_public = client::ask_local(to_, public_name_, "/", forwarded(), left(answer_limit));
        if (!as_public)
            return warned(make_check(step::host), "\"" + public_name_ + "\"",
                          "The program answered under its own name and not under this one", "Look at its log",
                          errc::target_bad_response);
        heard.as_public = std::move(*as_public);
        if (refuses_public_name(heard, domain)) {
            auto rewritten = client::ask_local(to_, own_name(), "/", forwarded(), left(answer_limit));
            if (rewritten) heard.rewritten = std::move(*rewritten);
        } else if (own_.field("X-Powered-By") == "Next.js") {
            auto fields = forwarded();
            fields.emplace_back("Origin", "https://" + public_name_);
            auto cross_site = client::ask_local(to_, public_name_, "/_next/doctor", fields, left(answer_limit));
            if (cross_site) heard.cross_site = std::move(*cross_site);
        }
        return judge_public_name(heard, public_name_, domain, port_text());
    }

    check check_mcp() {
        auto c = make_check(step::mcp);
        const auto host = public_name_.empty() ? own_name() : public_name_;
        const auto found = client::check_mcp_server(to_, host, left(mcp_limit));
        using state = client::mcp_finding::state;
        if (found.what == state::found)
            return well(std::move(c), client::describe_server(found, {}) + " at " + found.path);
        const auto warning = client::warn_about(found, to_, {});
        if (found.what == state::needs_auth)
            return warned(std::move(c), "401 at " + found.path + metadata_of(found.path), warning.what, warning.hint);
        if (found.what == state::refuses_name)
            return warned(std::move(c), "at " + found.path, warning.what,
                          "instatunnel " + port_text() + " --mcp --host-header rewrite", errc::target_bad_response);
        const auto code = found.what == state::not_mcp  ? errc::target_bad_response
                          : found.what == state::silent ? errc::target_timeout
                                                        : errc::target_unreachable;
        return failed(std::move(c), to_.display, {code, warning.what, warning.hint});
    }

    // RFC 9728: where callers learn who gives tokens. Only looked at where the server asks for one.
    std::string metadata_of(const std::string& path) const {
        for (const auto& at :
             {"/.well-known/oauth-protected-resource" + path, std::string("/.well-known/oauth-protected-resource")}) {
            const auto reply = client::ask_local(to_, public_name_.empty() ? own_name() : public_name_, at, forwarded(),
                                                 left(answer_limit));
            if (!reply || reply->status != 200) continue;
            const auto document = json::parse(reply->body, nullptr, /*allow_exceptions=*/false);
            if (!document.is_object()) continue;
            const auto resource = document.find("resource");
            if (resource == document.end() || !resource->is_string()) continue;
            return "; its metadata names " + resource->get<std::string>() +
                   ", which callers compare with the address "
                   "they use";
        }
        return "; no metadata at /.well-known/oauth-protected-resource";
    }

    const settings& s_;
    steady_clock::time_point deadline_;
    const std::function<void(check)>& tell_;
    client::target to_;
    client::local_answer own_;
    bool answers_with_error_ = false;
    std::string public_name_;
};

}  // namespace

std::string tunnel_domain(const std::string& api_host) {
    constexpr std::string_view prefix = "api.";
    return api_host.starts_with(prefix) ? api_host.substr(prefix.size()) : api_host;
}

void examine_local(const settings& s, steady_clock::time_point deadline, const std::function<void(check)>& tell) {
    local_examination(s, deadline, tell).run();
}

}  // namespace instatunnel::doctor
