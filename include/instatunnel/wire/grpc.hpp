#pragma once

#include <string>
#include <string_view>

/// What the tunnel has to know of gRPC (github.com/grpc/grpc, doc/PROTOCOL-HTTP2.md): which requests are calls, and how
/// a call is told that it failed.
namespace instatunnel::wire {

/// Whether a Content-Type is that of a gRPC call: `application/grpc`, alone or followed by a subtype (`+proto`) or
/// parameters. gRPC-Web (`application/grpc-web`) is none: it is plain HTTP of any version.
bool is_grpc(std::string_view content_type) noexcept;

/// Percent-encoded as `grpc-message` wants it: visible ASCII and blanks stay, but for the percent sign.
std::string grpc_message(std::string_view text);

}  // namespace instatunnel::wire
