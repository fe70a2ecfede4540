#include "http2_guard.hpp"

#include <nghttp2/nghttp2.h>

namespace instatunnel::edge {

bool http2_guard::take(auth::token_bucket& from, auth::steady_time now, std::string_view rule) {
    if (from.take(now)) return true;
    rule_ = rule;
    return false;
}

bool http2_guard::on_frame(std::uint8_t type, std::uint8_t flags, std::size_t length, auth::steady_time now) {
    const bool ends_section = (flags & NGHTTP2_FLAG_END_HEADERS) != 0;
    switch (type) {
        case NGHTTP2_DATA:
            if (length != 0 || (flags & NGHTTP2_FLAG_END_STREAM) != 0) return true;
            return on_empty_data(now);
        case NGHTTP2_HEADERS:
            continuations_ = 0;
            return length != 0 || ends_section || take(control_, now, "empty HEADERS frames");
        case NGHTTP2_CONTINUATION:
            if (++continuations_ <= limits_.continuations) return true;
            rule_ = "CONTINUATION frames";
            return false;
        case NGHTTP2_RST_STREAM:
            return take(resets_, now, "resets");
        case NGHTTP2_WINDOW_UPDATE:
            return take(updates_, now, "WINDOW_UPDATE frames");
        default:
            return take(control_, now, "control frames");
    }
}

bool http2_guard::on_reset_sent(std::uint32_t error_code, auth::steady_time now) {
    switch (error_code) {
        case NGHTTP2_NO_ERROR:           // a reply that needed no more of the request
        case NGHTTP2_CANCEL:             // the app's doing
        case NGHTTP2_ENHANCE_YOUR_CALM:  // the same
        case NGHTTP2_INTERNAL_ERROR:     // the tunnel's
            return true;
        default:
            return take(resets_, now, "streams that had to be reset");
    }
}

void http2_guard::on_data_sent(auth::steady_time now) {
    for (unsigned i = 0; i < limits_.updates_for_data; ++i)
        updates_.give_back(now);
}

}  // namespace instatunnel::edge
