#include "service_checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "clock_skew.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/names.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t most_named_permissions = 5;
constexpr auto soon = std::chrono::days(7);

std::string member_text(const json& object, const char* name) {
    if (!object.is_object()) return {};
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::vector<std::string> transports_of(const json& meta) {
    std::vector<std::string> names;
    const auto found = meta.find("transports");
    if (found == meta.end() || !found->is_array()) return names;
    for (const auto& one : *found)
        if (one.is_string() && names.size() < 8) names.push_back(one.get<std::string>());
    return names;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

failure refused_call(const std::string& server, int status) {
    const auto text = server + " answered with status " + std::to_string(status);
    switch (status) {
        case 429:
            return {errc::rate_limited, text};
        case 503:
            return {errc::busy, text};
        case 502:
        case 504:
            return {errc::server_unreachable,
                    "Something in front of " + server + " cannot reach it (status " + std::to_string(status) + ")",
                    "Ask the server's owner"};
        default:
            return {errc::unexpected_reply,
                    server + " answers, but is no InstaTunnel server (status " + std::to_string(status) + ")",
                    "Name the right one: instatunnel config set server URL"};
    }
}

// Servers of the published clients know nothing of /v1.
check ask_older(const settings& s, api::http_client& http, milliseconds limit, api_finding& finding) {
    auto c = make_check(step::api);
    const auto reply = http.send("GET", s.server + "/health", {}, {}, limit);
    if (!reply) return failed(std::move(c), {}, reply.error());
    if (reply->status != 200) return failed(std::move(c), {}, refused_call(s.server, 404));
    finding.is_older = finding.speaks_v1 = true;
    return warned(std::move(c), s.server + " is alive and knows transport v1 alone",
                  "It is a server of earlier clients: replies are not streamed, and only HTTP is forwarded",
                  "Ask its owner to update it");
}

check judge_meta(const settings& s, const api::http_reply& reply, api_finding& finding) {
    auto c = make_check(step::api);
    if (reply.status != 200) return failed(std::move(c), {}, refused_call(s.server, reply.status));
    const auto meta = json::parse(reply.body.reveal(), nullptr, /*allow_exceptions=*/false);
    const auto version = member_text(meta, "version");
    if (version.empty()) return failed(std::move(c), {}, refused_call(s.server, reply.status));
    const auto transports = transports_of(meta);
    finding.speaks_v1 = std::ranges::find(transports, "v1") != transports.end();
    finding.speaks_v2 = std::ranges::find(transports, "v2") != transports.end();
    finding.support = presentable(member_text(meta, "support"));
    return well(std::move(c), "version " + version + ", domain " + member_text(meta, "domain") + ", transports " +
                                  joined(transports));
}

std::string permissions_of(const api::account_info& account) {
    if (account.permissions.size() > most_named_permissions)
        return std::to_string(account.permissions.size()) + " permissions";
    return account.permissions.empty() ? "no permission" : "permissions " + joined(account.permissions);
}

std::string ask_for_more(const std::string& support) {
    return support.empty() ? std::string("ask the server's owner") : "ask for more: " + support;
}

}  // namespace

outcome<api::http_reply> hurried_client::send(std::string_view method, const std::string& url,
                                              const std::vector<std::pair<std::string, std::string>>& fields,
                                              std::string_view body, milliseconds limit) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
    return inner_.send(method, url, fields, body, std::clamp(left, milliseconds(0), limit));
}

api_finding ask_api(const settings& s, api::http_client& http, milliseconds limit) {
    api_finding finding;
    const auto start = steady_clock::now();
    const auto reply = http.send("GET", s.server + "/v1/meta", {{"Accept", "application/json"}}, {}, limit);
    const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
    if (!reply) {
        finding.api = failed(make_check(step::api), {}, reply.error());
        finding.clock = skipped(make_check(step::clock), "The API does not answer");
        return finding;
    }
    finding.clock = judge_clock(reply->field("Date"), wall_now(), took);
    const auto left = limit - std::min(limit, took);
    finding.api = reply->status == 404 ? ask_older(s, http, left, finding) : judge_meta(s, *reply, finding);
    return finding;
}

account_finding ask_account(const settings& s, api::http_client& http, wall_time now) {
    auto c = make_check(step::account);
    auto account = api::auth_client(http, s.server).account(s.key);
    if (!account) {
        const auto why = s.explain_key ? s.explain_key(account.error()) : account.error();
        return {failed(std::move(c), {}, why), std::nullopt};
    }
    auto text = auth::mask_email(account->email) + ", plan " + account->plan + ", " + permissions_of(*account);
    const auto ends = account->key_expires_at ? parse_rfc3339(*account->key_expires_at) : std::nullopt;
    if (ends) text += ", key until " + *account->key_expires_at;
    auto verdict = ends && *ends - now < soon
                       ? warned(std::move(c), std::move(text), "The key ends soon, and tunnels end with it",
                                "Make another one: instatunnel login, or instatunnel auth keys create")
                       : well(std::move(c), std::move(text));
    return {std::move(verdict), std::move(*account)};
}

check ask_older_account(const settings& s, api::http_client& http) {
    auto c = make_check(step::account);
    const auto reply = http.send("GET", s.server + "/tunnels",
                                 {{"Authorization", "Bearer " + std::string(s.key.reveal())}}, {}, milliseconds::max());
    if (!reply) return failed(std::move(c), {}, reply.error());
    if (reply->status == 200) return well(std::move(c), "the server takes the key, and does not say more");
    const failure why = reply->status == 401 ? failure(errc::invalid_key) : refused_call(s.server, reply->status);
    return failed(std::move(c), {}, s.explain_key ? s.explain_key(why) : why);
}

check judge_plan(const api::account_info& account, bool mcp, const std::string& support) {
    auto c = make_check(step::plan);
    if (!auth::grants(account.permissions, "tunnels:write"))
        return failed(std::move(c), "this key opens no tunnels",
                      {errc::forbidden, "The key does not hold the permission tunnels:write",
                       "Use another key: instatunnel login, or instatunnel auth keys create --name tunnels --scope "
                       "'tunnels:*'"});
    if (!account.limits) return well(std::move(c), account.plan + "; the server does not say what it allows");
    const auto& limits = *account.limits;
    if (mcp && !limits.mcp)
        return failed(std::move(c), "plan " + account.plan,
                      {errc::plan_limit, "The plan \"" + account.plan + "\" does not allow MCP tunnels",
                       "Use a key of another account: instatunnel auth set-key, or " + ask_for_more(support)});
    auto text = limits.tunnels ? std::to_string(account.tunnels_online) + " of " + std::to_string(*limits.tunnels) +
                                     " tunnels are open"
                               : std::to_string(account.tunnels_online) + " tunnels are open, no limit";
    if (mcp) text += "; MCP is allowed";
    if (limits.tunnels && account.tunnels_online >= *limits.tunnels)
        return warned(std::move(c), std::move(text), "The plan allows no further tunnel at the same time",
                      "Stop one: instatunnel ls, instatunnel kill NAME; or " + ask_for_more(support), errc::plan_limit);
    return well(std::move(c), std::move(text));
}

}  // namespace instatunnel::doctor
