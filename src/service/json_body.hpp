#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/form.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::service {

inline constexpr std::size_t max_body_bytes = 65536;
inline constexpr int max_body_depth = 16;
inline constexpr std::size_t max_text_bytes = 4096;
inline constexpr std::size_t max_list_items = 64;

/// A JSON object that came as a request's body. Unknown members are ignored, null counts as absent, an empty body as
/// an object without members. The first thing that is wrong sticks in error() and names the member.
class json_body {
public:
    explicit json_body(std::string_view text);

    std::string required_text(const char* name);
    std::optional<std::string> text(const char* name);
    secret required_secret(const char* name);
    secret optional_secret(const char* name);
    /// A whole number from 0 on.
    std::optional<std::uint64_t> number(const char* name);
    std::vector<std::string> required_texts(const char* name);
    std::optional<bool> flag(const char* name);
    /// Empty if it is absent.
    std::vector<std::string> texts(const char* name);
    /// The members of these names as a form; each must be a text.
    form texts_as_form(std::span<const char* const> names);

    const std::optional<api_error>& error() const noexcept { return error_; }

private:
    nlohmann::json* member(const char* name);
    bool is_text(const char* name, const nlohmann::json& value);
    void refuse(int status, const char* field, std::string message);

    nlohmann::json object_ = nlohmann::json::object();
    std::optional<api_error> error_;
};

/// 422: the member is there and of the right type, and its value cannot be used.
api_error wrong_value(std::string field, std::string message);
/// RFC 3339, or null.
nlohmann::ordered_json optional_time(const std::optional<wall_time>& t);

}  // namespace instatunnel::service
