#include "mcp_schema.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace instatunnel::cli::schema {

using nlohmann::json;

namespace {

using found = std::optional<std::string>;

std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

json described(const char* type, const char* description) {
    json made = json::object();
    made["type"] = type;
    made["description"] = description;
    return made;
}

std::string joined(const json& words) {
    std::string list;
    for (const auto& word : words)
        list += (list.empty() ? "" : ", ") + word.get<std::string>();
    return list;
}

found fault_of_text(const json& value, const json& schema, const std::string& name) {
    if (!value.is_string()) return name + " must be a text";
    const auto& text = value.get_ref<const std::string&>();
    if (const auto most = schema.find("maxLength"); most != schema.end() && characters(text) > most->get<std::size_t>())
        return name + " is longer than " + most->dump() + " characters";
    if (const auto words = schema.find("enum");
        words != schema.end() && std::ranges::find(*words, value) == words->end())
        return name + " must be one of " + joined(*words);
    return {};
}

found fault_of_integer(const json& value, const json& schema, const std::string& name) {
    const auto least = schema["minimum"].get<std::int64_t>();
    const auto most = schema["maximum"].get<std::int64_t>();
    // Compared as double: a whole number beyond 64 bits is none of those that are taken.
    const auto number = value.is_number() ? value.get<double>() : 0.0;
    if (value.is_number_integer() && number >= static_cast<double>(least) && number <= static_cast<double>(most))
        return {};
    return name + " must be a whole number from " + std::to_string(least) + " to " + std::to_string(most);
}

found fault_of_array(const json& value, const json& schema, const std::string& name) {
    if (!value.is_array()) return name + " must be a list of texts";
    if (value.size() > schema["maxItems"].get<std::size_t>())
        return name + " has more than " + schema["maxItems"].dump() + " items";
    for (const auto& item : value)
        if (auto fault = fault_of(item, schema["items"], "each item of " + name)) return fault;
    return {};
}

found fault_of_object(const json& value, const json& schema, const std::string& name) {
    if (!value.is_object()) return name + " must be an object";
    const auto properties = schema.find("properties");
    if (const auto most = schema.find("maxProperties"); most != schema.end() && value.size() > most->get<std::size_t>())
        return name + " has more than " + most->dump() + " members";
    for (const auto& [key, member] : value.items()) {
        if (properties == schema.end()) {
            const auto& each = schema["additionalProperties"];
            if (!each.is_object() || each.empty()) continue;
            if (auto fault = fault_of(member, each, "`" + key + "` in " + name)) return fault;
            continue;
        }
        const auto known = properties->find(key);
        if (known == properties->end()) {
            std::string takes;
            for (const auto& one : properties->items())
                takes += (takes.empty() ? "" : ", ") + one.key();
            return "`" + key + "` is not known in " + name + ", which may have: " + (takes.empty() ? "nothing" : takes);
        }
        if (auto fault = fault_of(member, *known, "`" + key + "`")) return fault;
    }
    if (const auto required = schema.find("required"); required != schema.end())
        for (const auto& key : *required)
            if (!value.contains(key.get<std::string>()))
                return "`" + key.get<std::string>() + "` is missing in " + name;
    return {};
}

}  // namespace

json text(const char* description, std::size_t max_length) {
    auto made = described("string", description);
    made["maxLength"] = max_length;
    return made;
}

json integer(const char* description, std::int64_t least, std::int64_t most) {
    auto made = described("integer", description);
    made["minimum"] = least;
    made["maximum"] = most;
    return made;
}

json yes_or_no(const char* description) {
    return described("boolean", description);
}

json word(const char* description, json words) {
    auto made = described("string", description);
    made["enum"] = std::move(words);
    return made;
}

json texts(const char* description, std::size_t most) {
    auto made = described("array", description);
    made["items"] = json::object();
    made["items"]["type"] = "string";
    made["maxItems"] = most;
    return made;
}

json map(const char* description, json value, std::size_t most) {
    auto made = described("object", description);
    made["additionalProperties"] = std::move(value);
    made["maxProperties"] = most;
    return made;
}

json object(json properties, json required) {
    json made = result(std::move(properties), std::move(required));
    made["additionalProperties"] = false;
    return made;
}

json result(json properties, json required) {
    json made = json::object();
    made["type"] = "object";
    made["properties"] = std::move(properties);
    made["required"] = std::move(required);
    return made;
}

found fault_of(const json& value, const json& schema, const std::string& name) {
    const auto& type = schema["type"];
    if (type == "string") return fault_of_text(value, schema, name);
    if (type == "integer") return fault_of_integer(value, schema, name);
    if (type == "boolean") return value.is_boolean() ? found() : name + " must be true or false";
    if (type == "array") return fault_of_array(value, schema, name);
    return fault_of_object(value, schema, name);
}

}  // namespace instatunnel::cli::schema
