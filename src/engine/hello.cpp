#include "instatunnel/engine/hello.hpp"

#include <nlohmann/json.hpp>

#include "instatunnel/base/version.hpp"

namespace instatunnel::engine {
namespace {

using nlohmann::json;

constexpr std::size_t max_text = 512;
constexpr std::size_t max_tunnels = 64;
constexpr std::size_t max_mcp_users = 100;

// Member of an object as text; nothing if absent. False: another type, or too long.
bool read_text(const json& object, const char* name, std::string& out) {
    const auto found = object.find(name);
    if (found == object.end() || found->is_null()) return true;
    if (!found->is_string()) return false;
    const auto& text = found->get_ref<const std::string&>();
    if (text.size() > max_text) return false;
    out = text;
    return true;
}

bool read_port(const json& object, std::uint16_t& out) {
    const auto found = object.find("port");
    if (found == object.end()) return true;
    if (!found->is_number_unsigned() || found->get<std::uint64_t>() > 0xFFFF) return false;
    out = found->get<std::uint16_t>();
    return true;
}

template <class Integer>
bool read_number(const json& object, const char* name, Integer& out) {
    const auto found = object.find(name);
    if (found == object.end()) return true;
    if (!found->is_number_unsigned()) return false;
    const auto value = found->get<std::uint64_t>();
    if (value > 0x7FFFFFFF) return false;
    out = static_cast<Integer>(value);
    return true;
}

bool read_flag(const json& object, const char* name, bool& out) {
    const auto found = object.find(name);
    if (found == object.end()) return true;
    if (!found->is_boolean()) return false;
    out = found->get<bool>();
    return true;
}

std::optional<json> parse_object(std::string_view text) {
    auto parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_object()) return std::nullopt;
    return parsed;
}

bool read_secret(const json& object, const char* name, secret& out) {
    std::string text;
    if (!read_text(object, name, text)) return false;
    out = secret(std::move(text));
    return true;
}

bool read_access(const json& item, tunnel_wish& out) {
    const auto access = item.find("access");
    if (access == item.end() || access->is_null()) return true;
    return access->is_object() && read_secret(*access, "password", out.password) &&
           read_secret(*access, "basic", out.basic) && read_secret(*access, "seed", out.seed);
}

bool read_mcp_users(const json& item, std::vector<std::string>& out) {
    const auto users = item.find("users");
    if (users == item.end()) return true;
    if (!users->is_array() || users->size() > max_mcp_users) return false;
    for (const auto& user : *users) {
        if (!user.is_string() || user.get_ref<const std::string&>().size() > max_text) return false;
        out.push_back(user.get<std::string>());
    }
    return true;
}

bool read_mcp_auth(const json& item, tunnel_wish& out) {
    const auto auth = item.find("mcp_auth");
    if (auth == item.end() || auth->is_null()) return true;
    return auth->is_object() && read_text(*auth, "mode", out.mcp_auth) &&
           read_text(*auth, "token_sha256", out.mcp_token_sha256) && read_mcp_users(*auth, out.mcp_users);
}

bool read_wish(const json& item, tunnel_wish& out) {
    return item.is_object() && read_text(item, "ref", out.ref) && read_text(item, "proto", out.proto) &&
           read_text(item, "sub", out.name) && read_text(item, "host", out.host) &&
           read_text(item, "target", out.target) && read_port(item, out.port) && read_flag(item, "mcp", out.mcp) &&
           read_mcp_auth(item, out) && read_access(item, out);
}

bool read_grant(const json& item, tunnel_grant& out) {
    return item.is_object() && read_text(item, "ref", out.ref) && read_number(item, "id", out.number) &&
           read_text(item, "tunnel", out.id) && read_text(item, "name", out.name) && read_text(item, "url", out.url) &&
           read_text(item, "proto", out.proto) && read_port(item, out.port) && read_flag(item, "guarded", out.guarded);
}

template <class Item, class Read>
bool read_list(const json& object, const char* name, std::vector<Item>& out, Read read) {
    const auto found = object.find(name);
    if (found == object.end()) return true;
    if (!found->is_array() || found->size() > max_tunnels) return false;
    for (const auto& item : *found)
        if (!read(item, out.emplace_back())) return false;
    return true;
}

json access_of(const tunnel_wish& t) {
    json access = json::object();
    if (!t.password.empty()) access["password"] = std::string(t.password.reveal());
    if (!t.basic.empty()) access["basic"] = std::string(t.basic.reveal());
    if (!t.seed.empty()) access["seed"] = std::string(t.seed.reveal());
    return access;
}

json mcp_auth_of(const tunnel_wish& t) {
    json auth = {{"mode", t.mcp_auth}};
    if (!t.mcp_token_sha256.empty()) auth["token_sha256"] = t.mcp_token_sha256;
    if (!t.mcp_users.empty()) auth["users"] = t.mcp_users;
    return auth;
}

}  // namespace

std::string to_json(const hello& h) {
    json tunnels = json::array();
    for (const auto& t : h.tunnels) {
        json item = {{"ref", t.ref}, {"proto", t.proto}, {"target", t.target}};
        if (!t.name.empty()) item["sub"] = t.name;
        if (!t.host.empty()) item["host"] = t.host;
        if (t.port != 0) item["port"] = t.port;
        if (t.mcp) item["mcp"] = true;
        if (!t.mcp_auth.empty()) item["mcp_auth"] = mcp_auth_of(t);
        if (!t.password.empty() || !t.basic.empty()) item["access"] = access_of(t);
        tunnels.push_back(std::move(item));
    }
    const json document = {{"v", h.version},
                           {"client", {{"name", "instatunnel"}, {"ver", std::string(version())}}},
                           {"auth", {{"type", "key"}, {"key", std::string(h.key.reveal())}}},
                           {"instance_id", h.instance},
                           {"resume", h.resumed},
                           {"lane", 0},
                           {"window_init", h.window},
                           {"tunnels", std::move(tunnels)}};
    return document.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

std::string to_json(const welcome& w) {
    json tunnels = json::array();
    for (const auto& t : w.tunnels) {
        tunnels.push_back({{"ref", t.ref}, {"id", t.number}, {"tunnel", t.id}, {"name", t.name}, {"url", t.url}});
        if (t.proto != "http") tunnels.back()["proto"] = t.proto;
        if (t.port != 0) tunnels.back()["port"] = t.port;
        if (t.guarded) tunnels.back()["guarded"] = true;
    }
    const json document = {{"v", w.version}, {"session", w.session},    {"lane", 0},
                           {"lanes_max", 1}, {"window_init", w.window}, {"tunnels", std::move(tunnels)}};
    return document.dump(-1, ' ', /*ensure_ascii=*/true, json::error_handler_t::replace);
}

std::optional<hello> parse_hello(std::string_view text) {
    const auto document = parse_object(text);
    if (!document) return std::nullopt;
    hello h;
    std::string type = "key", key;
    if (!read_number(*document, "v", h.version) || !read_text(*document, "instance_id", h.instance) ||
        !read_number(*document, "window_init", h.window) || !read_list(*document, "tunnels", h.tunnels, read_wish) ||
        !read_flag(*document, "resume", h.resumed))
        return std::nullopt;
    if (const auto client = document->find("client"); client != document->end())
        if (!client->is_object() || !read_text(*client, "ver", h.client_version)) return std::nullopt;
    if (const auto auth = document->find("auth"); auth != document->end())
        if (!auth->is_object() || !read_text(*auth, "type", type) || !read_text(*auth, "key", key)) return std::nullopt;
    h.key = secret(std::move(key));
    if (type != "key" || h.tunnels.size() != 1) return std::nullopt;
    return h;
}

std::optional<welcome> parse_welcome(std::string_view text) {
    const auto document = parse_object(text);
    if (!document) return std::nullopt;
    welcome w;
    if (!read_number(*document, "v", w.version) || !read_text(*document, "session", w.session) ||
        !read_number(*document, "window_init", w.window) || !read_list(*document, "tunnels", w.tunnels, read_grant) ||
        w.tunnels.empty())
        return std::nullopt;
    return w;
}

}  // namespace instatunnel::engine
