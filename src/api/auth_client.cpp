#include "instatunnel/api/auth_client.hpp"

#include <openssl/crypto.h>

#include <nlohmann/json.hpp>

#include "api_errors.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "wiped_buffer.hpp"

namespace instatunnel::api {
namespace {

using nlohmann::json;

constexpr auto limit = std::chrono::seconds(15);
constexpr std::size_t max_text = 512;
constexpr std::size_t max_tunnels = 10'000;
constexpr std::size_t max_permissions = 100;

failure unexpected(const std::string& server) {
    return {errc::unexpected_reply, server + " sent an answer that this program does not understand"};
}

/// Text of the server that will reach a terminal: bounded, and nothing in it can steer one (control characters of
/// ASCII, and of Latin-1 as UTF-8 writes them).
std::string shown(const json& value) {
    if (!value.is_string()) return {};
    auto text = value.get_ref<const std::string&>().substr(0, max_text);
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        const bool is_c1 = c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (c < 0x20 || c == 0x7f || is_c1) text[i] = '?';
        if (is_c1) text.erase(i + 1, 1);
    }
    return text;
}

const json& member(const json& object, const char* name) {
    static const json nothing;
    const auto found = object.is_object() ? object.find(name) : object.end();
    return found == object.end() ? nothing : *found;
}

std::string text(const json& object, const char* name) {
    return shown(member(object, name));
}

std::uint64_t count(const json& object, const char* name) {
    const auto& value = member(object, name);
    return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

std::string encode_path_segment(std::string_view segment) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : segment) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += digits[byte >> 4];
            encoded += digits[byte & 15];
        }
    }
    return encoded;
}

/// A JSON string (RFC 8259 §7), written by hand so that a password never passes through memory that nobody wipes.
void append_json_string(wiped_buffer& out, std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    out.append("\"");
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            const char escaped[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            out.append({escaped, sizeof escaped});
        } else {
            if (c == '"' || c == '\\') out.append("\\");
            out.append({&c, 1});
        }
    }
    out.append("\"");
}

secret credentials(const std::string& email, const secret& password, const std::string& invitation) {
    wiped_buffer body;
    body.append(R"({"email":)");
    append_json_string(body, email);
    body.append(R"(,"password":)");
    append_json_string(body, password.reveal());
    if (!invitation.empty()) {
        body.append(R"(,"invite":)");
        append_json_string(body, invitation);
    }
    body.append("}");
    return body.take();
}

std::string bearer(const secret& key) {
    std::string text;
    text.reserve(7 + key.reveal().size());
    return text.append("Bearer ").append(key.reveal());
}

/// One call: asks, maps what went wrong, gives the JSON of what went well (null for an empty body).
class call {
public:
    call(http_client& http, const std::string& server) : http_(http), server_(server) {}

    outcome<json> send(std::string_view method, const std::string& path, const secret* key, std::string_view body,
                       question asked) {
        std::vector<std::pair<std::string, std::string>> fields{{"Accept", "application/json"}};
        if (!body.empty()) fields.emplace_back("Content-Type", "application/json");
        if (key != nullptr) fields.emplace_back("Authorization", bearer(*key));
        auto reply = http_.send(method, server_ + "/v1" + path, fields, body, limit);
        if (key != nullptr) OPENSSL_cleanse(fields.back().second.data(), fields.back().second.size());
        if (!reply) return reply.error();
        if (reply->status < 200 || reply->status > 299) return to_failure(*reply, asked, server_);
        if (reply->body.empty()) return outcome<json>(boost::system::in_place_value, nullptr);
        auto parsed = json::parse(reply->body.reveal(), nullptr, /*allow_exceptions=*/false);
        if (parsed.is_discarded()) return unexpected(server_);
        // A json converts to anything, so the result has to be told which of its two sides is meant.
        return outcome<json>(boost::system::in_place_value, std::move(parsed));
    }

private:
    http_client& http_;
    const std::string& server_;
};

outcome<signed_in> sign_in(http_client& http, const std::string& server, const std::string& path,
                           const std::string& email, const secret& body, question asked) {
    auto reply = call(http, server).send("POST", path, nullptr, body.reveal(), asked);
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
    return tunnel;
}

}  // namespace

auth_client::auth_client(http_client& http, std::string server) : http_(http), server_(std::move(server)) {
    while (server_.ends_with('/'))
        server_.pop_back();
}

outcome<signed_in> auth_client::login(const std::string& email, const secret& password) {
    return sign_in(http_, server_, "/auth/login", email, credentials(email, password, {}), question::login);
}

outcome<signed_in> auth_client::register_account(const std::string& email, const secret& password,
                                                 const std::string& invitation) {
    return sign_in(http_, server_, "/auth/register", email, credentials(email, password, invitation),
                   question::registration);
}

outcome<void> auth_client::logout(const secret& key) {
    auto reply = call(http_, server_).send("POST", "/auth/logout", &key, {}, question::with_key);
    if (!reply) return reply.error();
    return {};
}

outcome<account_info> auth_client::account(const secret& key) {
    auto reply = call(http_, server_).send("GET", "/auth/user", &key, {}, question::with_key);
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
    auto reply = call(http_, server_).send("GET", "/tunnels", &key, {}, question::with_key);
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
    // These would change the path instead of naming something in it (RFC 3986 §5.2.4).
    if (id.empty() || id == "." || id == "..") return unknown;
    const auto path = "/tunnels/" + encode_path_segment(id);
    auto reply = call(http_, server_).send("DELETE", path, &key, {}, question::with_key);
    if (!reply) return reply.error().code == errc::not_found ? unknown : reply.error();
    return {};
}

}  // namespace instatunnel::api
