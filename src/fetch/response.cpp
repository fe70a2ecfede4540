#include <string_view>

#include "instatunnel/fetch/fetcher.hpp"

namespace instatunnel::fetch {

bool response::is_json() const noexcept {
    constexpr std::string_view application = "application/", suffix = "+json";
    return content_type == "application/json" ||
           (content_type.starts_with(application) && content_type.ends_with(suffix) &&
            content_type.size() > application.size() + suffix.size());
}

}  // namespace instatunnel::fetch
