#include "json_line.hpp"

#include <nlohmann/json.hpp>

namespace instatunnel::cli {
namespace {

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

json_line::json_line(std::string_view event) {
    with("event", event);
}

json_line json_line::object() {
    return {};
}

json_line& json_line::raw(std::string_view name, std::string_view value) {
    if (text_.size() > 1) text_ += ',';
    text_ += json_text(name);
    text_ += ':';
    text_ += value;
    return *this;
}

json_line& json_line::with(std::string_view name, std::string_view value) {
    return raw(name, json_text(value));
}

json_line& json_line::with(std::string_view name, const std::optional<std::string>& value) {
    return raw(name, value ? json_text(*value) : "null");
}

json_line& json_line::with(std::string_view name, const std::optional<std::uint64_t>& value) {
    return raw(name, value ? std::to_string(*value) : "null");
}

json_line& json_line::with(std::string_view name, std::span<const std::string> values) {
    std::string list = "[";
    for (const auto& value : values)
        list += (list.size() > 1 ? "," : "") + json_text(value);
    return raw(name, list + "]");
}

json_line& json_line::with_json(std::string_view name, std::string_view json) {
    return nlohmann::json::accept(json) ? raw(name, json) : with(name, json);
}

json_line& json_line::with_objects(std::string_view name, std::span<const json_line> objects) {
    std::string list = "[";
    for (const auto& object : objects)
        list += (list.size() > 1 ? "," : "") + object.text();
    return raw(name, list + "]");
}

}  // namespace instatunnel::cli
