#pragma once

#include <string>
#include <string_view>

namespace instatunnel {

std::string to_hex(std::string_view bytes);
/// With padding (RFC 4648 §4).
std::string to_base64(std::string_view bytes);
/// SHA-256 and HMAC-SHA-256 as 32 raw bytes.
std::string sha256(std::string_view bytes);
std::string hmac_sha256(std::string_view key, std::string_view bytes);

/// HTML text and attribute escaping of & < > " '.
std::string escape_html(std::string_view text);

}  // namespace instatunnel
