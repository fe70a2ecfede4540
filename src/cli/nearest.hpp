#pragma once

#include <span>
#include <string>
#include <string_view>

namespace instatunnel::cli {

/// The candidate that was probably meant: the least edits (insert, delete, replace, swap of neighbours), at most one
/// for every three letters and at least one; a candidate that starts with the word counts as near. Empty if none is.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace instatunnel::cli
