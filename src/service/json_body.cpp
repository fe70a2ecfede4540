#include "json_body.hpp"

#include <algorithm>
#include <utility>

#include "instatunnel/base/names.hpp"

namespace instatunnel::service {
namespace {

// Looked at before parsing, so that the parser never builds more levels than this.
bool is_deeper_than(std::string_view text, int limit) {
    int depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') ++i;
            if (c == '"') quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > limit) return true;
        } else if (c == '}' || c == ']') {
            --depth;
        }
    }
    return false;
}

}  // namespace

json_body::json_body(std::string_view text) {
    if (text.size() > max_body_bytes) {
        refuse(413, "body", "The body is larger than " + std::to_string(max_body_bytes) + " bytes");
    } else if (is_deeper_than(text, max_body_depth)) {
        refuse(400, "body", "The body is nested too deeply");
    } else if (!trim(text).empty()) {
        object_ = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
        if (!object_.is_object()) refuse(400, "body", "The body must be a JSON object");
    }
}

void json_body::refuse(int status, const char* field, std::string message) {
    if (error_) return;
    error_.emplace();
    error_->status = status;
    error_->field = field;
    error_->message = std::move(message);
}

nlohmann::json* json_body::member(const char* name) {
    if (error_) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
}

bool json_body::is_text(const char* name, const nlohmann::json& value) {
    if (!value.is_string()) {
        refuse(400, name, "\"" + std::string(name) + "\" must be a text");
        return false;
    }
    if (value.get_ref<const std::string&>().size() <= max_text_bytes) return true;
    refuse(400, name, "\"" + std::string(name) + "\" is longer than " + std::to_string(max_text_bytes) + " bytes");
    return false;
}

std::optional<std::string> json_body::text(const char* name) {
    auto* value = member(name);
    if (value == nullptr || !is_text(name, *value)) return std::nullopt;
    return std::move(value->get_ref<std::string&>());
}

std::string json_body::required_text(const char* name) {
    auto value = text(name);
    if (!value) refuse(400, name, "\"" + std::string(name) + "\" is missing");
    return std::move(value).value_or(std::string());
}

secret json_body::optional_secret(const char* name) {
    auto value = text(name);
    return value ? secret(std::move(*value)) : secret();
}

secret json_body::required_secret(const char* name) {
    return secret(required_text(name));
}

std::optional<std::uint64_t> json_body::number(const char* name) {
    const auto* value = member(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_unsigned()) return value->get<std::uint64_t>();
    refuse(400, name, "\"" + std::string(name) + "\" must be a whole number, 0 or more");
    return std::nullopt;
}

std::optional<bool> json_body::flag(const char* name) {
    const auto* value = member(name);
    if (value == nullptr) return std::nullopt;
    if (value->is_boolean()) return value->get<bool>();
    refuse(400, name, "\"" + std::string(name) + "\" must be true or false");
    return std::nullopt;
}

std::vector<std::string> json_body::texts(const char* name) {
    const auto* value = member(name);
    if (value == nullptr || (value->is_array() && value->empty())) return {};
    return required_texts(name);
}

form json_body::texts_as_form(std::span<const char* const> names) {
    form fields;
    for (const char* name : names)
        if (auto value = text(name)) fields.add(name, std::move(*value));
    return fields;
}

std::vector<std::string> json_body::required_texts(const char* name) {
    auto* value = member(name);
    const bool usable = value != nullptr && value->is_array() && !value->empty() && value->size() <= max_list_items;
    std::vector<std::string> texts;
    if (!usable) {
        refuse(400, name,
               "\"" + std::string(name) + "\" must be a list of 1 to " + std::to_string(max_list_items) + " texts");
        return texts;
    }
    for (auto& item : *value) {
        if (!is_text(name, item)) break;
        auto& text = item.get_ref<std::string&>();
        if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
    }
    return texts;
}

api_error wrong_value(std::string field, std::string message) {
    api_error error;
    error.status = 422;
    error.field = std::move(field);
    error.message = std::move(message);
    return error;
}

nlohmann::ordered_json optional_time(const std::optional<wall_time>& t) {
    if (!t) return nullptr;
    return to_rfc3339(*t);
}

}  // namespace instatunnel::service
