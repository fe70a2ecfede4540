#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

/// HTTP dates (RFC 9110 §5.6.7): UTC in whole seconds.
namespace instatunnel::wire {

/// "Sun, 06 Nov 1994 08:49:37 GMT". Years outside 0 to 9999 are clamped to them.
std::string to_http_date(std::chrono::sys_seconds t);

/// Reads the form above and the two obsolete ones (RFC 850, asctime). A year of two digits that would lie more than 50
/// years after `now` belongs to the century before. nullopt for anything else, days that a month does not have
/// included; the name of the weekday is not compared with the date.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text, std::chrono::sys_seconds now);

}  // namespace instatunnel::wire
