#pragma once

#include <string_view>

namespace instatunnel::wire {

/// The forms in which this program's own pages exist.
enum class page_form { plain, html, json };

/// What an `Accept` field prefers (RFC 9110 §12.5.1): the better of HTML and JSON by quality, the first of equals;
/// `plain` where it names neither. A wildcard alone names neither: that is curl, which shows what it gets to a person.
page_form preferred_form(std::string_view accept) noexcept;

}  // namespace instatunnel::wire
