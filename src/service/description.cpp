#include "instatunnel/service/description.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <vector>

#include "call.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/names.hpp"
#include "openapi_parts.hpp"
#include "route_table.hpp"

namespace instatunnel::service {
namespace {

using json = nlohmann::ordered_json;

// What the edge answers to a request that never becomes a call, and what can go wrong with every call.
constexpr std::string_view statuses_of_every_call = "400 408 413 414 421 429 431 500 501 503 505";

std::vector<std::string_view> words(std::string_view text) {
    std::vector<std::string_view> list;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        if (end != 0) list.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return list;
}

json reference(std::string_view kind, std::string_view name) {
    return {{"$ref", "#/components/" + std::string(kind) + "/" + std::string(name)}};
}

// "/auth/keys/:id" is "/auth/keys/{id}".
std::string path_of(std::string_view pattern) {
    std::string path;
    bool inside = false;
    for (const char c : pattern) {
        if (inside && c == '/') path += '}';
        if (c == '/') inside = false;
        path += c == ':' ? '{' : c;
        inside = inside || c == ':';
    }
    return inside ? path + '}' : path;
}

std::string operation_id(const route& r) {
    auto id = to_lower(r.method);
    for (const char c : r.pattern) {
        if (c == '/' || c == '.') id += '_';
        if (c != '/' && c != '.' && c != ':') id += c;
    }
    return id;
}

std::string tag_of(const json& tags, std::string_view pattern) {
    std::size_t longest = 0;
    std::string name;
    for (const auto& tag : tags) {
        for (const auto& beginning : tag["x-paths"]) {
            const auto& text = beginning.get_ref<const std::string&>();
            if (text.size() <= longest || !pattern.starts_with(text)) continue;
            longest = text.size();
            name = tag["name"];
        }
    }
    return name;
}

std::set<int> failures_of(const route& r) {
    std::string all = std::string(statuses_of_every_call) + " " + std::string(r.shape.failures);
    // A key of an account that is disabled is refused everywhere.
    if (r.access == route_access::key || r.access == route_access::key_or_none) all += " 401 403";
    if (!r.shape.body.empty()) all += " 422";
    if (r.pattern.find(':') != std::string_view::npos) all += " 404";
    std::set<int> statuses;
    for (const auto word : words(all)) {
        int status = 0;
        std::from_chars(word.data(), word.data() + word.size(), status);
        statuses.insert(status);
    }
    return statuses;
}

// Every call was counted before it could go well or be refused for what it asks.
void add_quota_fields(json& answer) {
    for (const auto* name : {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy"})
        answer["headers"][name] = reference("headers", name);
}

json success_of(const route& r, const json& schemas) {
    json answer;
    const auto& reply = r.shape.reply;
    answer["description"] = r.summary;
    for (const auto* name : {"Cache-Control", "X-Request-Id"})
        answer["headers"][name] = reference("headers", name);
    add_quota_fields(answer);
    if (reply == "text/html") {
        answer["content"]["text/html"]["schema"]["type"] = "string";
    } else if (!reply.empty()) {
        auto& content = answer["content"]["application/json"];
        content["schema"] = reference("schemas", reply);
        const auto schema = schemas.find(std::string(reply));
        if (schema == schemas.end()) return answer;
        if (schema->contains("description")) answer["description"] = (*schema)["description"];
        if (schema->contains("examples")) content["example"] = (*schema)["examples"][0];
    }
    return answer;
}

json request_of(const route& r, const json& schemas) {
    json body;
    const auto schema = schemas.find(std::string(r.shape.body));
    body["required"] = schema != schemas.end() && !schema->value("required", json::array()).empty();
    auto& content = body["content"]["application/json"];
    content["schema"] = reference("schemas", r.shape.body);
    if (schema != schemas.end() && schema->contains("examples")) content["example"] = (*schema)["examples"][0];
    if (r.shape.oauth)
        body["content"]["application/x-www-form-urlencoded"]["schema"] = reference("schemas", r.shape.body);
    return body;
}

void add_security(json& operation, const route& r) {
    operation["security"] = json::array();
    if (r.access != route_access::key && r.access != route_access::key_or_none) return;
    auto scopes = json::array();
    if (!r.scope.empty()) scopes.push_back(r.scope);
    for (const auto* scheme : {"bearer", "api_key"})
        operation["security"].push_back({{scheme, scopes}});
    if (r.access == route_access::key_or_none) operation["security"].push_back(json::object());
    if (!r.scope.empty()) operation["x-required-scope"] = r.scope;
}

// RFC 6749 §5.2 says how these endpoints refuse; what the edge itself refuses looks like everywhere.
bool is_oauth_status(int status) {
    return status == 400 || status == 401 || status == 403 || status == 413 || status == 503;
}

json oauth_error_of(const json& parts, const std::string& status) {
    json answer;
    answer["description"] = parts["x-errors"][status]["description"];
    answer["headers"]["X-Request-Id"] = reference("headers", "X-Request-Id");
    add_quota_fields(answer);
    if (status == "401") {
        answer["headers"]["WWW-Authenticate"]["description"] =
            "Clients may authenticate with HTTP Basic (RFC 6749 §2.3.1)";
        answer["headers"]["WWW-Authenticate"]["schema"]["type"] = "string";
    }
    if (status == "503") answer["headers"]["Retry-After"] = reference("headers", "Retry-After");
    auto& content = answer["content"]["application/json"];
    content["schema"]["anyOf"] = {reference("schemas", "OAuthError"), reference("schemas", "Error")};
    content["example"] = parts["components"]["schemas"]["OAuthError"]["examples"][0];
    for (const auto* type : {"text/plain", "text/html"})
        if (parts["x-errors"][status].value("before_the_api", false))
            answer["content"][type]["schema"]["type"] = "string";
    return answer;
}

std::string description_of(const route& r) {
    std::string text;
    if (!r.scope.empty()) text = "The key must hold the permission `" + std::string(r.scope) + "`.";
    if (!text.empty() && !r.shape.notes.empty()) text += ' ';
    return text + std::string(r.shape.notes);
}

json describe(const route& r, const json& parts) {
    const auto& schemas = parts["components"]["schemas"];
    json operation;
    operation["operationId"] = operation_id(r);
    operation["tags"] = {tag_of(parts["tags"], r.pattern)};
    operation["summary"] = r.summary;
    if (const auto text = description_of(r); !text.empty()) operation["description"] = text;
    add_security(operation, r);
    for (const auto name : words(r.shape.parameters))
        operation["parameters"].push_back(reference("parameters", name));
    if (!r.shape.body.empty()) operation["requestBody"] = request_of(r, schemas);
    operation["responses"][std::to_string(r.shape.status)] = success_of(r, schemas);
    for (const int status : failures_of(r)) {
        const auto name = std::to_string(status);
        operation["responses"][name] =
            r.shape.oauth && is_oauth_status(status) ? oauth_error_of(parts, name) : reference("responses", name);
    }
    return operation;
}

// One of `x-errors` as an answer.
json describe_error(int status, const json& given) {
    const bool early = given.value("before_the_api", false);
    json answer;
    answer["description"] = given["description"];
    if (!early) answer["headers"]["X-Request-Id"] = reference("headers", "X-Request-Id");
    if (!early && status < 500) add_quota_fields(answer);
    for (const auto& name : given.value("headers", json::array()))
        answer["headers"][name.get<std::string>()] = reference("headers", name.get<std::string>());
    json fixed;
    fixed["properties"]["error"]["const"] = given["error"];
    fixed["properties"]["code"]["const"] = code_for(status);
    auto& content = answer["content"]["application/json"];
    content["schema"]["allOf"] = {reference("schemas", "Error"), fixed};
    content["example"]["error"] = given["error"];
    for (const auto& [name, value] : given["example"].items())
        content["example"][name] = value;
    content["example"]["code"] = code_for(status);
    content["example"]["request_id"] = "req_3nVYbW0mXQ1TzEkd";
    if (early)
        for (const auto* type : {"text/plain", "text/html"})
            answer["content"][type]["schema"]["type"] = "string";
    return answer;
}

std::string lines(const json& list) {
    std::string text;
    for (const auto& line : list)
        text += (text.empty() ? "" : "\n") + line.get<std::string>();
    return text;
}

// The permissions that exist: their list is the program's, not the file's.
json permission_schema(json schema) {
    schema["enum"] = json::array();
    std::set<std::string> groups;
    for (const auto scope : auth::all_scopes()) {
        schema["enum"].push_back(scope);
        groups.insert(std::string(scope.substr(0, scope.find(':'))) + ":*");
    }
    for (const auto& group : groups)
        schema["enum"].push_back(group);
    schema["enum"].push_back("*");
    return schema;
}

}  // namespace

std::string describe_api(const api_place& place) {
    auto parts = json::parse(openapi_parts());
    json document;
    document["openapi"] = parts["openapi"];
    document["info"] = parts["info"];
    document["info"]["version"] = place.version;
    document["info"]["description"] = lines(parts["info"]["description"]);
    document["servers"] = {{{"url", place.url + "/v1"}}, {{"url", place.url}}};
    document["tags"] = parts["tags"];
    for (auto& tag : document["tags"])
        tag.erase("x-paths");
    for (const auto& r : routes()) {
        if (r.access == route_access::page) continue;
        document["paths"][path_of(r.pattern)][to_lower(r.method)] = describe(r, parts);
    }
    document["components"] = parts["components"];
    auto& permission = document["components"]["schemas"]["Permission"];
    permission = permission_schema(permission);
    for (const auto& [status, given] : parts["x-errors"].items())
        document["components"]["responses"][status] = describe_error(std::stoi(status), given);
    return document.dump();
}

}  // namespace instatunnel::service
