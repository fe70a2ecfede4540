#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/secret.hpp"

namespace instatunnel {

/// `a=1&b=x%20y`: a query (RFC 3986 §3.4) or the body of a form (application/x-www-form-urlencoded, WHATWG URL §5).
/// Values are wiped with it, because passwords and tokens are among them.
class form {
public:
    form() = default;
    form(form&&) = default;
    form& operator=(form&&) = default;

    /// nullopt: more than `max_fields` fields, or a "%" without two hex digits. Bytes are not checked for UTF-8.
    static std::optional<form> parse(std::string_view text, std::size_t max_fields = 64);

    /// First value of that name; nullopt if it is not there.
    std::optional<std::string_view> find(std::string_view name) const noexcept;
    /// The same, empty if it is not there.
    std::string_view value(std::string_view name) const noexcept { return find(name).value_or(std::string_view()); }
    /// Every value of that name, in order.
    std::vector<std::string_view> all(std::string_view name) const;
    /// How often the name occurs: what must not be repeated (RFC 6749 §3.1) can be refused.
    std::size_t count(std::string_view name) const noexcept;
    bool has_repeated_name() const noexcept;

    form& add(std::string name, std::string value) &;
    form&& add(std::string name, std::string value) && { return std::move(add(std::move(name), std::move(value))); }
    form clone() const;
    /// The text that parses to this.
    std::string text() const;

private:
    std::vector<std::pair<std::string, secret>> fields_;
};

/// Everything but letters, digits and - . _ ~ becomes %XX (RFC 3986 §2.3): for one part of a path or query.
std::string percent_encode(std::string_view text);

}  // namespace instatunnel
