#pragma once

#include <string>

namespace instatunnel::cli {

/// What a person sees in the browser after signing in there.
struct callback_page {
    int status = 200;
    std::string title;  ///< plain text, as the others
    std::string text;
};

/// The whole HTTP/1.1 response: a static page without scripts, which nobody may store, frame or send on.
std::string to_response(const callback_page& page);

}  // namespace instatunnel::cli
