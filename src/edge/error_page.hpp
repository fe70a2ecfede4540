#pragma once

#include <string>
#include <string_view>

namespace instatunnel::edge {

/// What a visitor is told when the tunnel, not the app behind it, answers. Views: read during render() only.
struct error_page {
    int status = 502;
    std::string_view code_name;  ///< stable word for programs, e.g. "origin_unreachable"
    std::string_view message;    ///< e.g. "Failed to reach local server localhost:3000"; may hold text from the network
    std::string_view hint;       ///< what to do next; may be empty
    std::string_view request_id;  ///< the same as in the log; may be empty
    std::string_view support{};   ///< text or URL of the edge's owner, where a limit is the cause; may be empty
};

struct rendered {
    std::string_view content_type;  ///< static
    std::string body;
};

/// The page in the form that the visitor's `Accept` field prefers (RFC 9110 §12.5.1): HTML for browsers, JSON of the
/// API's error shape, plain text for everybody else (`*/*`, no field at all). Everything in it is escaped.
rendered render(const error_page& page, std::string_view accept);

}  // namespace instatunnel::edge
