#include "share_texts.hpp"

namespace instatunnel::cli {

std::vector<std::string> share_texts(const std::string& url) {
    return {
        "Chat:\n"
        "  Have a look at what I am working on: " +
            url +
            "\n"
            "  It runs on my machine, so it is there as long as I am.",
        "Mail:\n"
        "  Subject: A preview for you\n"
        "  Here is the current state, live from my machine: " +
            url +
            "\n"
            "  Please tell me what you think.",
        "Post:\n"
        "  A live preview, straight from localhost: " +
            url,
    };
}

}  // namespace instatunnel::cli
