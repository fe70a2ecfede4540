#pragma once

#include <string>
#include <vector>

namespace instatunnel::store {

/// Short lists are kept as text with blanks between the items, none of which holds a blank.
std::string join_words(const std::vector<std::string>& words);
std::vector<std::string> split_words(const std::string& text);

}  // namespace instatunnel::store
