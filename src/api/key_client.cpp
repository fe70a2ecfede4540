#include "instatunnel/api/key_client.hpp"

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "json_call.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t max_keys = 10'000;
constexpr std::size_t max_permissions = 100;
constexpr const char* how_to_list = "See the account's keys: instatunnel auth keys ls";

// What the API says in general, in the words of this command.
failure explained(const failure& f, const std::string& id) {
    if (f.code == errc::not_found)
        return {f.code, "There is no key \"" + id.substr(0, 80) + "\" in this account", how_to_list};
    if (f.code == errc::already_exists) return {f.code, f.detail, how_to_list};
    return f;
}

// Not the path's own signs: they would change the path instead of naming something in it (RFC 3986 §5.2.4).
bool is_id(const std::string& id) {
    return !id.empty() && id != "." && id != "..";
}

std::string path_of(const std::string& id) {
    return "/auth/keys/" + encode_path_segment(id);
}

// False if it is there and is no time.
bool read_time(const json& object, const char* name, std::optional<std::string>& into) {
    const auto& value = member(object, name);
    if (value.is_null()) return true;
    into = shown(value);
    return parse_rfc3339(*into).has_value();
}

outcome<key_info> to_info(const json& one, const std::string& server) {
    key_info key;
    key.id = text(one, "id");
    key.name = text(one, "name");
    key.masked = text(one, "key");
    key.created_at = text(one, "created_at");
    key.replaced_by = text(one, "replaced_by");
    const auto& permissions = member(one, "permissions");
    if (key.id.empty() || !permissions.is_array() || permissions.size() > max_permissions) return unexpected(server);
    for (const auto& permission : permissions)
        key.permissions.push_back(shown(permission));
    if (!read_time(one, "last_used", key.last_used) || !read_time(one, "expires_at", key.expires_at))
        return unexpected(server);
    return key;
}

outcome<new_key> to_new_key(json& reply, const std::string& server) {
    auto info = to_info(reply, server);
    if (!info) return info.error();
    new_key made;
    made.info = std::move(*info);
    if (!member(reply, "key").is_string()) return unexpected(server);
    made.key = secret(std::move(reply["key"].get_ref<std::string&>()));
    if (!is_api_key(made.key.reveal())) return unexpected(server);
    made.info.masked = mask_key(made.key.reveal());
    made.replaces = text(reply, "replaces");
    made.old_expires_at = text(reply, "old_expires_at");
    return made;
}

}  // namespace

key_client::key_client(http_client& http, std::string server, const secret& key)
    : http_(http), server_(std::move(server)), key_(key) {
    while (server_.ends_with('/'))
        server_.pop_back();
}

outcome<std::vector<key_info>> key_client::list() {
    auto reply = json_call(http_, server_).send("GET", "/auth/keys", &key_, {}, question::with_key);
    if (!reply) return reply.error();
    const auto& rows = member(*reply, "keys");
    if (!rows.is_array() || rows.size() > max_keys) return unexpected(server_);
    std::vector<key_info> keys;
    for (const auto& row : rows) {
        auto key = to_info(row, server_);
        if (!key) return key.error();
        keys.push_back(std::move(*key));
    }
    return keys;
}

outcome<key_info> key_client::find(const std::string& id) {
    if (!is_id(id)) return explained(errc::not_found, id);
    auto reply = json_call(http_, server_).send("GET", path_of(id), &key_, {}, question::with_key);
    if (!reply) return explained(reply.error(), id);
    return to_info(*reply, server_);
}

outcome<new_key> key_client::create(const key_wish& wish) {
    json body = {{"name", wish.name}, {"permissions", wish.permissions}};
    if (wish.expires_at) body["expires_at"] = *wish.expires_at;
    const auto sent = body.dump(-1, ' ', false, json::error_handler_t::replace);
    auto reply = json_call(http_, server_).send("POST", "/auth/keys", &key_, sent, question::with_key);
    if (!reply) return reply.error();
    return to_new_key(*reply, server_);
}

outcome<key_info> key_client::rename(const std::string& id, const std::string& name) {
    if (!is_id(id)) return explained(errc::not_found, id);
    const auto sent = json({{"name", name}}).dump(-1, ' ', false, json::error_handler_t::replace);
    auto reply = json_call(http_, server_).send("PATCH", path_of(id), &key_, sent, question::with_key);
    if (!reply) return explained(reply.error(), id);
    return to_info(*reply, server_);
}

outcome<void> key_client::revoke(const std::string& id) {
    if (!is_id(id)) return explained(errc::not_found, id);
    auto reply = json_call(http_, server_).send("DELETE", path_of(id), &key_, {}, question::with_key);
    if (!reply) return explained(reply.error(), id);
    return {};
}

outcome<new_key> key_client::rotate(const std::string& id, std::chrono::seconds grace) {
    if (!is_id(id)) return explained(errc::not_found, id);
    const auto sent = json({{"grace_seconds", grace.count()}}).dump();
    auto reply = json_call(http_, server_).send("POST", path_of(id) + "/rotate", &key_, sent, question::with_key);
    if (!reply) return explained(reply.error(), id);
    return to_new_key(*reply, server_);
}

}  // namespace instatunnel::api
