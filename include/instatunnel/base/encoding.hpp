#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace instatunnel {

std::string to_hex(std::string_view bytes);
/// With padding (RFC 4648 §4).
std::string to_base64(std::string_view bytes);
/// SHA-256 and HMAC-SHA-256 as 32 raw bytes.
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// SHA-1 based, for time-based codes only (RFC 4226); 20 raw bytes.
std::string hmac_sha1(std::string_view key, std::string_view bytes);

/// What a WebSocket server answers to a client's key (RFC 6455 §4.2.2, Sec-WebSocket-Accept).
std::string websocket_accept(std::string_view key);

/// RFC 4648 §5, without padding.
std::string to_base64url(std::string_view bytes);
/// nullopt: not base64url without padding, or not the one way to write these bytes.
std::optional<std::string> from_base64url(std::string_view text);
/// RFC 4648 §6, upper case, without padding.
std::string to_base32(std::string_view bytes);

/// HTML text and attribute escaping of & < > " '.
std::string escape_html(std::string_view text);

}  // namespace instatunnel
