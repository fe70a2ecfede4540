#pragma once

#include <string_view>

namespace instatunnel::edge {

/// The codes of gRPC that an edge itself answers with (github.com/grpc/grpc, doc/statuscodes.md).
enum class grpc_status : int {
    cancelled = 1,
    unknown = 2,
    deadline_exceeded = 4,
    permission_denied = 7,
    resource_exhausted = 8,
    internal = 13,
    unavailable = 14,
    unauthenticated = 16,
};

/// What a caller is told for an answer of ours with this HTTP status and code name. Follows
/// doc/http-grpc-status-mapping.md of gRPC, and is more exact where we know more than a proxy's status says.
grpc_status grpc_status_for(int http_status, std::string_view code_name) noexcept;

}  // namespace instatunnel::edge
