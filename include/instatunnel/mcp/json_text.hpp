#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// JSON as text: checked strictly and taken apart without a copy, so that what is not changed is passed on byte for
/// byte. Pure functions.
namespace instatunnel::mcp {

inline constexpr int max_json_depth = 200;

/// One JSON text (RFC 8259) and nothing else: UTF-8 without a byte order mark, nested at most `max_json_depth` deep.
bool is_json(std::string_view text) noexcept;

/// A part of a text: `text.substr(begin, size)`.
struct text_span {
    std::size_t begin = 0;
    std::size_t size = 0;
    std::string_view of(std::string_view text) const { return text.substr(begin, size); }
};

/// The members of the object that begins at `object.begin`: `visit(key, value)` with the key as written, quotes
/// included. It ends early when `visit` returns false. `text` must be valid where the object is; anything but an object
/// has no members.
void for_each_member(std::string_view text, text_span object,
                     const std::function<bool(text_span key, text_span value)>& visit);
/// The same for the elements of an array.
void for_each_element(std::string_view text, text_span array, const std::function<bool(text_span value)>& visit);

/// The first value of that key in an object; nullopt: none.
std::optional<text_span> find_member(std::string_view text, text_span object, std::string_view key);
/// `text` with another value in the place of one.
std::string with_value(std::string_view text, text_span old, std::string_view value);
/// The value without blanks around it.
text_span whole(std::string_view text) noexcept;

/// What a string means; `raw` has its quotes. nullopt: no string, or half of a surrogate pair, which readers do not
/// agree on.
std::optional<std::string> decode_string(std::string_view raw);
/// `text` as a JSON string, quotes included. Bytes that are no UTF-8 are replaced.
std::string encode_string(std::string_view text);

}  // namespace instatunnel::mcp
