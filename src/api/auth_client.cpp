#include "instatunnel/api/auth_client.hpp"

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "json_call.hpp"
#include "wiped_buffer.hpp"

namespace instatunnel::api {
namespace {

using nlohmann::json;

constexpr std::size_t max_tunnels = 10'000;
constexpr std::size_t max_names = 10'000;

std::optional<std::uint64_t> whole_number_of(const json& object, const char* name) {
    if (!member(object, name).is_number_unsigned()) return std::nullopt;
    return count(object, name);
}

std::optional<double> number_of(const json& object, const char* name) {
    const auto& value = member(object, name);
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

bool flag(const json& object, const char* name, bool otherwise) {
    const auto& value = member(object, name);
    return value.is_boolean() ? value.get<bool>() : otherwise;
}

// The dots would change the path instead of naming something in it (RFC 3986 §5.2.4).
bool is_path_segment(std::string_view text) {
    return !text.empty() && text != "." && text != "..";
}

void append_member(wiped_buffer& body, std::string_view name, const std::string& value) {
    if (!value.empty()) body.append(",").append_json(name).append(":").append_json(value);
}

secret credentials(const std::string& email, const secret& password, const std::string& invitation,
                   const std::string& otp) {
    wiped_buffer body;
    body.append(R"({"email":)");
    body.append_json(email);
    body.append(R"(,"password":)");
    body.append_json(password.reveal());
    append_member(body, "invite", invitation);
    append_member(body, "otp", otp);
    body.append("}");
    return body.take();
}

outcome<signed_in> sign_in(http_client& http, const std::string& server, const std::string& path,
                           const std::string& email, const secret& body, question asked) {
    auto reply = json_call(http, server).send("POST", path, nullptr, body.reveal(), asked);
    if (!reply) return reply.error();
    if (!member(*reply, "api_key").is_string()) return unexpected(server);
    signed_in who;
    who.api_key = secret(std::move((*reply)["api_key"].get_ref<std::string&>()));
    if (!is_api_key(who.api_key.reveal())) return unexpected(server);
    who.email = text(member(*reply, "user"), "email");
    if (who.email.empty()) who.email = text(*reply, "email");
    if (who.email.empty()) who.email = email;
    who.key_id = text(*reply, "key_id");
    if (who.key_id.empty()) who.key_id = text(member(*reply, "key"), "id");
    return who;
}

tunnel_info to_tunnel(const json& one) {
    tunnel_info tunnel;
    tunnel.id = text(one, "id");
    tunnel.name = text(one, "name");
    tunnel.url = text(one, "url");
    tunnel.target = text(one, "target");
    tunnel.status = text(one, "status");
    tunnel.created_at = text(one, "created_at");
    tunnel.requests = count(one, "requests");
    tunnel.bytes_in = count(one, "bytes_in");
    tunnel.bytes_out = count(one, "bytes_out");
    tunnel.uptime_seconds = whole_number_of(one, "uptime_seconds");
    tunnel.latency_p50_ms = number_of(one, "latency_p50_ms");
    tunnel.latency_p99_ms = number_of(one, "latency_p99_ms");
    return tunnel;
}

std::optional<plan_limits> to_limits(const json& limits) {
    if (!limits.is_object()) return std::nullopt;
    plan_limits known;
    known.tunnels = whole_number_of(limits, "tunnels");
    known.names = whole_number_of(limits, "names");
    known.requests_per_minute = whole_number_of(limits, "requests_per_minute");
    known.mcp = flag(limits, "mcp", true);
    known.custom_domains = flag(limits, "custom_domains", true);
    return known;
}

name_info to_name(const json& one) {
    name_info name;
    name.name = text(one, "name");
    name.url = text(one, "url");
    name.kind = text(one, "kind");
    name.tunnel_id = text(one, "tunnel_id");
    name.last_used_at = text(one, "last_used_at");
    name.blocked = flag(one, "blocked", false);
    return name;
}

}  // namespace

auth_client::auth_client(http_client& http, std::string server) : http_(http), server_(std::move(server)) {
    while (server_.ends_with('/'))
        server_.pop_back();
}

outcome<signed_in> auth_client::login(const std::string& email, const secret& password, const std::string& otp) {
    return sign_in(http_, server_, "/auth/login", email, credentials(email, password, {}, otp), question::login);
}

outcome<signed_in> auth_client::register_account(const std::string& email, const secret& password,
                                                 const std::string& invitation) {
    return sign_in(http_, server_, "/auth/register", email, credentials(email, password, invitation, {}),
                   question::registration);
}

outcome<void> auth_client::logout(const secret& key) {
    auto reply = json_call(http_, server_).send("POST", "/auth/logout", &key, {}, question::with_key);
    if (!reply) return reply.error();
    return {};
}

outcome<void> auth_client::request_password_reset(const std::string& email) {
    wiped_buffer body;
    body.append(R"({"email":)");
    body.append_json(email);
    body.append("}");
    auto reply = json_call(http_, server_)
                     .send("POST", "/auth/password/reset-request", nullptr, body.view(), question::with_key);
    if (reply) return {};
    if (reply.error().code != errc::not_found) return reply.error();
    return failure(errc::not_found, server_ + " sends no links for new passwords",
                   "Ask its owner for one: instatunnel admin user reset-link " + email);
}

outcome<account_info> auth_client::account(const secret& key) {
    auto reply = json_call(http_, server_).send("GET", "/auth/user", &key, {}, question::with_key);
    if (!reply) return reply.error();
    account_info info;
    info.id = text(*reply, "id");
    info.email = text(*reply, "email");
    info.name = text(*reply, "name");
    info.plan = text(*reply, "plan");
    if (info.id.empty() || info.email.empty()) return unexpected(server_);
    const auto& usage = member(*reply, "usage");
    info.tunnels_created = count(usage, "tunnels_created");
    info.data_transferred = text(usage, "data_transferred");
    info.requests_served = count(usage, "requests_served");
    info.bytes_in = count(usage, "bytes_in");
    info.bytes_out = count(usage, "bytes_out");
    info.bytes_transferred = count(usage, "bytes_transferred");
    info.tunnels_online = count(usage, "tunnels_online");
    info.limits = to_limits(member(*reply, "limits"));
    for (const auto& permission : member(*reply, "permissions"))
        info.permissions.push_back(shown(permission));
    const auto& own_key = member(*reply, "key");
    info.key_id = text(own_key, "id");
    info.key_name = text(own_key, "name");
    const auto& expires = member(own_key, "expires_at");
    if (!expires.is_null()) {
        info.key_expires_at = shown(expires);
        if (!parse_rfc3339(*info.key_expires_at)) return unexpected(server_);
    }
    return info;
}

outcome<std::vector<tunnel_info>> auth_client::tunnels(const secret& key) {
    auto reply = json_call(http_, server_).send("GET", "/tunnels", &key, {}, question::with_key);
    if (!reply) return reply.error();
    const auto& list = member(*reply, "tunnels");
    if (!list.is_array() || list.size() > max_tunnels) return unexpected(server_);
    std::vector<tunnel_info> found;
    for (const auto& one : list)
        found.push_back(to_tunnel(one));
    return found;
}

outcome<void> auth_client::close_tunnel(const secret& key, const std::string& id) {
    const failure unknown(errc::not_found, "There is no tunnel \"" + id + "\" in this account");
    if (!is_path_segment(id)) return unknown;
    const auto path = "/tunnels/" + encode_path_segment(id);
    auto reply = json_call(http_, server_).send("DELETE", path, &key, {}, question::with_key);
    if (!reply) return reply.error().code == errc::not_found ? unknown : reply.error();
    return {};
}

outcome<std::vector<name_info>> auth_client::names(const secret& key) {
    auto reply = json_call(http_, server_).send("GET", "/names", &key, {}, question::with_key);
    if (!reply) return reply.error();
    const auto& list = member(*reply, "names");
    if (!list.is_array() || list.size() > max_names) return unexpected(server_);
    std::vector<name_info> found;
    for (const auto& one : list)
        found.push_back(to_name(one));
    return found;
}

outcome<void> auth_client::release_name(const secret& key, const std::string& name) {
    const failure unknown(errc::not_found, "This account does not hold the name \"" + name + "\"",
                          "See the names it holds: instatunnel names ls");
    if (!is_path_segment(name)) return unknown;
    const auto path = "/names/" + encode_path_segment(name);
    auto reply = json_call(http_, server_).send("DELETE", path, &key, {}, question::with_key);
    if (!reply) return reply.error().code == errc::not_found ? unknown : reply.error();
    return {};
}

}  // namespace instatunnel::api
