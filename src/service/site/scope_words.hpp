#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace instatunnel::service {

/// What a permission lets somebody do, for people: "See your tunnels".
std::string_view words_for_scope(std::string_view scope) noexcept;

/// The permissions behind patterns such as `tunnels:*`, each once, in the order of the documents.
std::vector<std::string_view> expand_scopes(const std::vector<std::string>& patterns);

}  // namespace instatunnel::service
