#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instatunnel::service {

/// Which web pages may read the API's answers (Fetch standard, CORS protocol): those of the named origins, and none by
/// default. Never a wildcard, never with a browser's own credentials: a page sends a key, or nothing. Immutable.
class cors_policy {
public:
    using fields = std::vector<std::pair<std::string, std::string>>;

    /// Each as check_origin returned it.
    explicit cors_policy(std::vector<std::string> origins) : origins_(std::move(origins)) {}

    bool allows(std::string_view origin) const;
    /// What every answer to a request from `origin` (empty: none was named) carries.
    fields for_answer(std::string_view origin) const;
    /// What the answer to a preflight carries beside these; `methods` are those of the path.
    static fields for_preflight(std::string_view methods);

private:
    std::vector<std::string> origins_;
};

}  // namespace instatunnel::service
