#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/mcp/json_text.hpp"

namespace instatunnel::mcp {

/// One JSON-RPC 2.0 message. Spans point into the text that was read.
struct message {
    enum class kind : std::uint8_t { request, notification, response };
    kind what = kind::notification;
    text_span id;        ///< of a request or response, as written: a number, a string or null
    std::string method;  ///< of a request or notification
    text_span params;    ///< empty: none
    std::string tool;    ///< of tools/call
    bool calls_tool = false;
};

struct reading {
    std::string_view fault;  ///< static text: why it was refused; empty: it is good
    bool is_batch = false;
    std::vector<message> messages;
    bool good() const noexcept { return fault.empty(); }
};

inline constexpr std::size_t max_batch = 256;

/// Reads what a caller sends so that no other reader of the same bytes can find another method or tool in them. Refused
/// are therefore, beside what is no JSON-RPC: keys that occur twice, or that differ from a known one by upper case only
/// (there are readers that do not tell them apart), a tool's name that is no string or has control characters, and
/// messages with both a method and a result.
reading read_messages(std::string_view text);

/// Whether some reader could find a method in a valid JSON text: what has none is no call, whatever else it is.
bool may_name_method(std::string_view json);

/// {"jsonrpc":"2.0","id":…,"error":{"code":…,"message":…}}; `id` is JSON, empty: null.
std::string error_message(std::string_view id, int code, std::string_view message);

namespace rpc_error {
inline constexpr int parse = -32700;
inline constexpr int invalid_request = -32600;
inline constexpr int unknown_method = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int internal = -32603;
inline constexpr int server = -32000;
}  // namespace rpc_error

}  // namespace instatunnel::mcp
