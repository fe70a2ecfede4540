#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace instatunnel::cli {

/// One line of `--json` output, built in the order of the calls: {"event":"tunnel.ready","url":…}. Invalid UTF-8 is
/// replaced.
class json_line {
public:
    explicit json_line(std::string_view event);

    json_line& with(std::string_view name, std::string_view value);
    json_line& with(std::string_view name, const char* value) { return with(name, std::string_view(value)); }
    json_line& with(std::string_view name, const std::string& value) { return with(name, std::string_view(value)); }
    json_line& with(std::string_view name, std::span<const std::string> values);
    /// nullopt is written as null.
    json_line& with(std::string_view name, const std::optional<std::string>& value);
    json_line& with(std::string_view name, const std::optional<std::uint64_t>& value);
    json_line& with_object(std::string_view name, const json_line& object) { return raw(name, object.text()); }
    template <class T>
    requires std::integral<T> json_line& with(std::string_view name, T value) {
        if constexpr (std::same_as<T, bool>) return raw(name, value ? "true" : "false");
        return raw(name, std::to_string(value));
    }
    /// What is JSON already; other text is written as a text.
    json_line& with_json(std::string_view name, std::string_view json);
    /// Objects built by other lines, as an array.
    json_line& with_objects(std::string_view name, std::span<const json_line> objects);

    std::string text() const { return text_ + '}'; }

    /// An object without an event, for with_objects.
    static json_line object();

private:
    json_line() = default;
    json_line& raw(std::string_view name, std::string_view value);
    std::string text_ = "{";
};

}  // namespace instatunnel::cli
