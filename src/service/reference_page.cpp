#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "instatunnel/service/description.hpp"

namespace instatunnel::service {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t line_width = 130;

std::string upper(std::string text) {
    for (auto& c : text)
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    return text;
}

// As many members a line as fit there; what has lines of its own begins one.
std::string laid_out(const json& value, std::size_t indent) {
    auto flat = value.dump();
    if (flat.size() + indent <= line_width || value.empty() || !value.is_structured()) return flat;
    std::string out(1, flat.front());
    std::size_t column = indent + 1;
    for (const auto& [name, item] : value.items()) {
        const auto label = value.is_object() ? json(name).dump() + ":" : std::string();
        const auto text = label + laid_out(item, indent + 1);
        const bool fits = column + text.size() < line_width && text.find('\n') == std::string::npos;
        if (out.size() > 1) out += ',';
        if (out.size() > 1 && !fits) {
            out += '\n' + std::string(indent + 1, ' ');
            column = indent + 1;
        }
        out += text;
        column = text.find('\n') == std::string::npos ? column + text.size() + 1 : line_width;
    }
    return out + flat.back();
}

// Writes the page from the description alone, so that nothing can stand in one and not in the other.
class page {
public:
    explicit page(json description) : doc_(std::move(description)) {}

    std::string render();

private:
    struct operation {
        std::string path;
        std::string method;  ///< in capitals
        const json& row;
        std::string title() const;
    };

    const json& resolve(const json& given) const;
    std::vector<operation> operations() const;
    void write_head();
    void write_overview();
    void write_operation(const operation& op);
    void write_parameters(const operation& op);
    void write_members(const json& schema, const std::string& before, bool of_request);
    void write_member_table(const json& schema, bool of_request);
    void write_example(const operation& op);
    void write_errors();
    std::string type_of(const json& schema) const;
    std::string failures_of(const operation& op) const;

    const json doc_;
    std::string out_;
    std::set<std::string> shown_;  ///< schemas whose members stand on the page already
};

std::string page::operation::title() const {
    std::string text = method + " ";
    for (const char c : path)
        if (c != '}') text += c == '{' ? ':' : c;
    return text;
}

const json& page::resolve(const json& given) const {
    if (!given.contains("$ref")) return given;
    return doc_.at(json::json_pointer(given["$ref"].get<std::string>().substr(1)));
}

std::vector<page::operation> page::operations() const {
    std::vector<operation> list;
    for (const auto& [path, methods] : doc_["paths"].items())
        for (const auto& [method, row] : methods.items())
            list.push_back({path, upper(method), row});
    return list;
}

std::string page::type_of(const json& schema) const {
    if (schema.contains("const")) return "`" + schema["const"].get<std::string>() + "`";
    if (schema.contains("enum") && schema["enum"].size() <= 8) {
        std::string text;
        for (const auto& one : schema["enum"])
            if (one.is_string()) text += (text.empty() ? "`" : ", `") + one.get<std::string>() + "`";
        return text;
    }
    const auto types = schema.value("type", json("any"));
    const auto type = types.is_array() ? types[0].get<std::string>() : types.get<std::string>();
    if (type == "array") return "list";
    return type == "string" ? "text" : type;
}

// Rows for what needs words; the example shows the rest.
void page::write_members(const json& schema, const std::string& before, bool of_request) {
    const auto& whole = resolve(schema);
    if (whole.contains("items")) return write_members(whole["items"], before + "[]", of_request);
    if (!whole.contains("properties") || (schema.contains("$ref") && !shown_.insert(schema["$ref"]).second)) return;
    const auto required = whole.value("required", json::array());
    for (const auto& [name, given] : whole["properties"].items()) {
        const auto& member = resolve(given);
        const auto path = before.empty() ? name : before + "." + name;
        const auto& described = given.contains("description") ? given : member;
        const bool optional = std::ranges::find(required, json(name)) == required.end();
        if (described.contains("description") || of_request) {
            const auto text = described.value("description", std::string());
            out_ += "| `" + path + "` | " + (optional ? "optional, " : "") + type_of(member) + " | " + text + " |\n";
        }
        write_members(given, path, of_request);
    }
}

void page::write_member_table(const json& schema, bool of_request) {
    const auto start = out_.size();
    write_members(schema, {}, of_request);
    if (out_.size() == start) return;
    const std::string title = of_request ? "| of the body | | |" : "| of the answer | | |";
    out_.insert(start, "\n" + title + "\n|---|---|---|\n");
}

void page::write_parameters(const operation& op) {
    if (!op.row.contains("parameters")) return;
    out_ += "\n| parameter | | |\n|---|---|---|\n";
    for (const auto& given : op.row["parameters"]) {
        const auto& parameter = resolve(given);
        const bool in_path = parameter["in"] == "path";
        out_ += "| `" + std::string(in_path ? ":" : "?") + parameter["name"].get<std::string>() + "` | " +
                type_of(resolve(parameter["schema"])) + " | " + parameter["description"].get<std::string>() + " |\n";
    }
}

void page::write_example(const operation& op) {
    std::string path = op.path;
    for (const auto& given : op.row.value("parameters", json::array())) {
        const auto& parameter = resolve(given);
        const auto place = "{" + parameter["name"].get<std::string>() + "}";
        if (const auto at = path.find(place); at != std::string::npos)
            path.replace(at, place.size(), parameter["example"].get<std::string>());
    }
    const bool has_body = op.row.contains("requestBody");
    out_ += "\n```\n$ curl ";
    if (op.method != "GET" && !(op.method == "POST" && has_body)) out_ += "-X " + op.method + " ";
    if (!op.row["security"].empty()) out_ += "-H \"Authorization: Bearer $KEY\" ";
    out_ += "$B" + path;
    if (has_body) out_ += " -d '" + op.row["requestBody"]["content"]["application/json"]["example"].dump() + "'";
    const auto answered = op.row["responses"].begin();
    const auto& answer = answered.value();
    out_ += "\n" + answered.key() + "\n";
    if (answer.contains("content") && answer["content"].begin()->contains("example"))
        out_ += laid_out((*answer["content"].begin())["example"], 0) + "\n";
    out_ += "```\n";
}

// The statuses that not every call can have; these stand with the errors.
std::string page::failures_of(const operation& op) const {
    std::string text;
    for (const auto& [status, answer] : op.row["responses"].items()) {
        if (!answer.contains("$ref") || std::string_view("404 409 422").find(status) == std::string_view::npos)
            continue;
        text += (text.empty() ? "" : ", ") + status;
    }
    return text;
}

void page::write_operation(const operation& op) {
    out_ += "\n### " + op.title() + "\n\n" + op.row["summary"].get<std::string>() + ".";
    if (op.row.contains("description")) out_ += " " + op.row["description"].get<std::string>();
    out_ += '\n';
    write_parameters(op);
    if (op.row.contains("requestBody"))
        write_member_table(op.row["requestBody"]["content"]["application/json"]["schema"], /*of_request=*/true);
    write_example(op);
    const auto& answer = op.row["responses"].front();
    if (answer["description"] != op.row["summary"]) out_ += "\n" + answer["description"].get<std::string>() + ".\n";
    if (answer.contains("content")) write_member_table((*answer["content"].begin())["schema"], /*of_request=*/false);
    if (const auto failures = failures_of(op); !failures.empty()) out_ += "\nAlso: " + failures + ".\n";
}

void page::write_head() {
    out_ =
        "# HTTP API\n\n"
        "Printed by `instatunnel help --api-markdown` from the description that `GET /v1/openapi.json` answers "
        "(OpenAPI 3.1); a test compares.\n\n"
        "Base: `https://api.DOMAIN/v1`. For the examples it is `B`, the key is `$KEY`; an edge of your own machine\n"
        "(`instatunnel serve --dev`) has the base `https://api.localhost:8443/v1`, and curl needs\n"
        "`--cacert ~/.instatunnel/dev/ca.pem`. The keys in them are not in use.\n\n" +
        doc_["info"]["description"].get<std::string>() + "\n";
}

void page::write_overview() {
    out_ += "\n| method and path | permission | |\n|---|---|---|\n";
    for (const auto& op : operations()) {
        std::string permission = op.row["security"].empty() ? "no key" : "any key";
        if (op.row.contains("x-required-scope")) permission = "`" + op.row["x-required-scope"].get<std::string>() + "`";
        out_ += "| `" + op.title() + "` | " + permission + " | " + op.row["summary"].get<std::string>() + " |\n";
    }
}

void page::write_errors() {
    const auto& responses = doc_["components"]["responses"];
    out_ += "\n## Errors\n\n```\n" + responses["403"]["content"]["application/json"]["example"].dump() + "\n```\n";
    write_member_table({{"$ref", "#/components/schemas/Error"}}, /*of_request=*/false);
    out_ += "\n| status | `error` | when |\n|---|---|---|\n";
    for (const auto& [status, answer] : responses.items()) {
        const auto headers = answer.value("headers", json::object());
        std::string fields;
        for (const auto& [name, field] : headers.items())
            if (name != "X-Request-Id") fields += (fields.empty() ? "; with `" : ", `") + name + "`";
        out_ += "| " + status + " | `" + answer["content"]["application/json"]["example"]["error"].get<std::string>() +
                "` | " + answer["description"].get<std::string>() + fields + " |\n";
    }
    out_ +=
        "\nRequests that are no valid HTTP are refused by the edge before the API, in the form that `Accept` asks "
        "for.\n\nAll limits: [design/limits.md](design/limits.md).\n";
}

std::string page::render() {
    write_head();
    write_overview();
    for (const auto& tag : doc_["tags"]) {
        out_ += "\n## " + tag["name"].get<std::string>() + "\n";
        for (const auto& op : operations())
            if (op.row["tags"][0] == tag["name"]) write_operation(op);
    }
    write_errors();
    return std::move(out_);
}

}  // namespace

std::string render_api_page(const api_place& place) {
    return page(json::parse(describe_api(place))).render();
}

}  // namespace instatunnel::service
