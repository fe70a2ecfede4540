#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/http1.hpp"

/// Payloads of OPEN, HEAD and TRAILERS: message heads as length-prefixed binary, without state between messages. No
/// byte of a visitor's framing travels, so that a parser behind the tunnel cannot read other boundaries than the edge
/// did.
namespace instatunnel::wire::itp {

enum class stream_kind : std::uint8_t { http = 1, tcp = 2, tls = 3 };

/// "http", "tcp", "tls": as HELLO names them.
std::string_view kind_name(stream_kind kind) noexcept;
std::optional<stream_kind> parse_kind(std::string_view name) noexcept;

/// An end of a visitor's connection.
struct visitor_address {
    std::uint8_t family = 0;  ///< 4, 6, or 0 for unknown
    std::array<unsigned char, 16> bytes{};
    std::uint16_t port = 0;
};

/// Views into the decoded payload.
struct open_head {
    stream_kind kind = stream_kind::http;
    std::uint32_t tunnel = 0;
    std::uint64_t request_id = 0;
    visitor_address visitor;
    visitor_address destination{};  ///< kinds tcp and tls: where the visitor connected to
    bool https = true;
    std::uint8_t http_version = 11;
    std::string_view method;
    std::string_view authority;
    std::string_view path;
    std::string_view protocol;         ///< value of Upgrade ("websocket"), empty for an ordinary request
    std::int64_t content_length = -1;  ///< -1: not known (or no body, when END is set)
    std::vector<field> fields;
};

struct reply_head {
    std::uint16_t status = 0;
    std::int64_t content_length = -1;
    std::vector<field> fields;
};

/// The first field of an upgraded reply: the protocol the app has chosen among those that were asked for. (Upgrade
/// itself ends at each hop and has no place in a head.)
inline constexpr std::string_view upgrade_field = "Itp-Upgrade";
/// Its value, or `offered` from a peer that does not send it.
std::string_view take_upgrade(const reply_head& head, std::string_view offered) noexcept;

/// Append the payload to `out`. Fields must be valid and free of hop-by-hop ones: the caller filters, the peer checks.
void encode_open(std::string& out, const open_head& head);
void encode_reply(std::string& out, const reply_head& head);
void encode_fields(std::string& out, const std::vector<field>& fields);

/// False for anything malformed: lengths past the end, bytes left over, names that are no tokens, values with control
/// characters, hop-by-hop fields, a method that is no token, a path with blanks or control bytes, more than 1,000
/// fields.
bool decode_open(std::string_view payload, open_head& out);
bool decode_reply(std::string_view payload, reply_head& out);
bool decode_fields(std::string_view payload, std::vector<field>& out);

}  // namespace instatunnel::wire::itp
