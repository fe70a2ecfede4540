#include "instatunnel/service/description.hpp"

#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "catch_outcome.hpp"
#include "instatunnel/base/names.hpp"
#include "service/call.hpp"
#include "service/route_table.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;
using nlohmann::ordered_json;

namespace {

const api_place anywhere{"9.8.7", "https://api.t.example.com:8443"};

ordered_json description() {
    return ordered_json::parse(describe_api(anywhere));
}

void for_each(const ordered_json& value, const std::function<void(const ordered_json&)>& look) {
    look(value);
    if (value.is_structured())
        for (const auto& item : value)
            for_each(item, look);
}

// "GET /auth/keys/:id"
std::set<std::string> operations_of(const ordered_json& document) {
    std::set<std::string> list;
    for (const auto& [path, methods] : document["paths"].items()) {
        std::string pattern;
        for (const char c : path)
            if (c != '}') pattern += c == '{' ? ':' : c;
        for (const auto& [method, row] : methods.items())
            list.insert(method + " " + pattern);
    }
    return list;
}

}  // namespace

TEST_CASE("every route is described, and nothing that is no route") {
    std::set<std::string> known;
    for (const auto& r : routes())
        if (r.access != route_access::page) known.insert(to_lower(r.method) + " " + std::string(r.pattern));
    CHECK(operations_of(description()) == known);
}

TEST_CASE("whatever the description refers to stands in it, and nothing is there for nobody") {
    const auto document = description();
    std::set<std::string> used;
    for_each(document, [&](const ordered_json& value) {
        if (!value.is_object() || !value.contains("$ref")) return;
        const auto target = value["$ref"].get<std::string>();
        INFO(target << " belongs into src/service/openapi.json");
        CHECK(document.contains(ordered_json::json_pointer(target.substr(1))));
        used.insert(target);
    });
    for (const auto* kind : {"schemas", "parameters", "headers"})
        for (const auto& [name, item] : document["components"][kind].items()) {
            const auto target = "#/components/" + std::string(kind) + "/" + name;
            INFO(target << " is used by nothing");
            CHECK((used.contains(target) || name == "Allow"));
        }
}

TEST_CASE("an operation says who may call it and what it takes and answers") {
    const auto document = description();
    std::set<std::string> ids;
    for (const auto& r : routes()) {
        if (r.access == route_access::page) continue;
        std::string path(r.pattern);
        if (path.ends_with(":id")) path.replace(path.size() - 3, 3, "{id}");
        if (const auto at = path.find(":id/"); at != std::string::npos) path.replace(at, 3, "{id}");
        INFO(r.method << " " << path);
        const auto& operation = document["paths"][path][to_lower(r.method)];
        CHECK(ids.insert(operation["operationId"]).second);
        CHECK_FALSE(operation["tags"][0].get<std::string>().empty());
        const bool takes_key = r.access == route_access::key || r.access == route_access::key_or_none;
        CHECK(operation["security"].empty() != takes_key);
        CHECK(operation.contains("x-required-scope") != r.scope.empty());
        std::size_t in_path = 0;
        for (const auto& given : operation.value("parameters", ordered_json::array())) {
            const auto& parameter = document[ordered_json::json_pointer(given["$ref"].get<std::string>().substr(1))];
            CHECK(parameter.contains("description"));
            if (parameter["in"] == "path") ++in_path;
            if (parameter["in"] == "path") CHECK(parameter.contains("example"));
        }
        CHECK(in_path == static_cast<std::size_t>(std::ranges::count(r.pattern, ':')));
        if (!r.shape.body.empty()) CHECK(operation["requestBody"]["content"]["application/json"].contains("example"));
        const auto& answer = operation["responses"].front();
        if (answer.contains("content") && r.shape.reply != "Description")
            CHECK((answer["content"].begin().key() == "text/html" || answer["content"].front().contains("example")));
    }
}

TEST_CASE("errors are described with the word and code that they have") {
    const auto document = description();
    for (const auto& [status, answer] : document["components"]["responses"].items()) {
        INFO(status);
        const auto& content = answer["content"];
        const auto& example = content["application/json"]["example"];
        CHECK(example["code"] == code_for(std::stoi(status)));
        // With forms beside JSON it may be the edge that answers, in its own words.
        if (content.size() == 1) CHECK(example["error"] == word_for(std::stoi(status)));
    }
}

TEST_CASE("the service answers its own description") {
    service_fixture f;
    const auto versioned = f.call("GET", "/v1/openapi.json");
    REQUIRE(versioned.status == 200);
    CHECK(versioned.body["info"]["version"] == f.options.version);
    CHECK(versioned.body["servers"][0]["url"].get<std::string>().ends_with("/v1"));
    CHECK(versioned.body["paths"] == nlohmann::json::parse(describe_api(anywhere))["paths"]);
    CHECK(f.call("GET", "/openapi.json").text == versioned.text);
}

TEST_CASE("docs/api.md is what the program prints") {
    std::ostringstream page;
    page << std::ifstream(API_REFERENCE, std::ios::binary).rdbuf();
    INFO("write it anew: instatunnel help --api-markdown > docs/api.md");
    // Where the edge is and what version it has are not part of the page.
    CHECK(page.str() == render_api_page(anywhere));
}
