#include "grpc_status.hpp"

namespace instatunnel::edge {

grpc_status grpc_status_for(int http_status, std::string_view code_name) noexcept {
    // What an app said with RST_STREAM, as the caller would have read it without a tunnel (doc/PROTOCOL-HTTP2.md).
    if (code_name == "cancelled") return grpc_status::cancelled;
    if (code_name == "origin_aborted") return grpc_status::internal;
    if (http_status == 503 && code_name == "rate_limited") return grpc_status::resource_exhausted;
    switch (http_status) {
        case 400:
        case 500:
            return grpc_status::internal;
        case 401:
            return grpc_status::unauthenticated;
        case 403:
            return grpc_status::permission_denied;
        case 408:
        case 504:
            return grpc_status::deadline_exceeded;
        case 413:
        case 431:
            return grpc_status::resource_exhausted;
        case 404:  // there is no such tunnel, rather than no such method
        case 421:
        case 429:
        case 502:
        case 503:
            return grpc_status::unavailable;
        default:
            return grpc_status::unknown;
    }
}

}  // namespace instatunnel::edge
