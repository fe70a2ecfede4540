#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instatunnel {

/// `a=1&b=x%20y`: a query (RFC 3986 §3.4) or the body of a form (application/x-www-form-urlencoded, WHATWG URL §5).
class form {
public:
    form() = default;

    /// nullopt: more than `max_fields` fields, or a "%" without two hex digits. Bytes are not checked for UTF-8.
    static std::optional<form> parse(std::string_view text, std::size_t max_fields = 64);

    /// First value of that name; nullopt if it is not there.
    std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// The same, empty if it is not there.
    std::string_view value(std::string_view name) const noexcept { return find(name).value_or(std::string_view()); }
    /// How often the name occurs: what must not be repeated (RFC 6749 §3.1) can be refused.
    std::size_t count(std::string_view name) const noexcept;
    const std::vector<std::pair<std::string, std::string>>& fields() const noexcept { return fields_; }

    form& add(std::string name, std::string value);
    /// The text that parses to this.
    std::string text() const;

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// Everything but letters, digits and - . _ ~ becomes %XX (RFC 3986 §2.3): for one part of a path or query.
std::string percent_encode(std::string_view text);

}  // namespace instatunnel
