#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// ITP/1, the protocol between client and edge: preface and frames. docs/design/protocol.md is its specification.
/// Pure functions over bytes; all integers are big-endian.
namespace instatunnel::wire::itp {

inline constexpr std::uint16_t protocol_version = 1;
inline constexpr std::size_t preface_size = 16;
inline constexpr std::size_t frame_header_size = 8;
inline constexpr std::size_t default_max_frame = 16384;
/// A DATA frame of this payload fills one TLS record exactly.
inline constexpr std::size_t max_data_payload = 16384 - frame_header_size;
inline constexpr std::size_t max_head_size = 64 * 1024;
inline constexpr std::size_t max_json_size = 64 * 1024;
inline constexpr std::uint32_t initial_window = 64 * 1024;
inline constexpr std::uint32_t max_window = 4 * 1024 * 1024;

enum class frame_type : std::uint8_t {
    pad = 0x00,
    hello = 0x01,
    welcome = 0x02,
    error = 0x03,
    open = 0x04,
    head = 0x05,
    data = 0x06,
    trailers = 0x07,
    credit = 0x08,
    reset = 0x09,
    stop = 0x0A,
    ping = 0x0B,
    goaway = 0x0C,
    move = 0x0D,
    ctrl = 0x0E,
    accept = 0x0F,
    datagram = 0x10,
};
/// Types from here on may be added by a newer peer and are skipped; below it an unknown type is an error.
inline constexpr std::uint8_t first_ignorable_type = 0x40;

namespace flag {
inline constexpr std::uint8_t end = 0x01;         ///< OPEN, HEAD, DATA: nothing follows in this direction
inline constexpr std::uint8_t ack = 0x01;         ///< PING
inline constexpr std::uint8_t idempotent = 0x02;  ///< OPEN
inline constexpr std::uint8_t interim = 0x10;     ///< HEAD: a 1xx, the final head follows
inline constexpr std::uint8_t upgraded = 0x20;    ///< HEAD: raw bytes from here on
inline constexpr std::uint8_t push = 0x40;        ///< DATA: a message ends here, do not wait for more
inline constexpr std::uint8_t more = 0x80;        ///< OPEN, HEAD, TRAILERS: the same head goes on in the next frame
}  // namespace flag

/// Reasons on the wire (ERROR, RESET, STOP, GOAWAY). Append only.
enum class code : std::uint16_t {
    ok = 0,
    protocol = 1,
    internal = 2,
    flow_control = 3,
    frame_size = 4,
    version = 5,
    idle_timeout = 6,
    ping_timeout = 7,
    unauthenticated = 16,
    forbidden = 17,
    name_taken = 18,
    name_reserved = 19,
    domain_unverified = 20,
    limit_tunnels = 21,
    limit_streams = 22,
    rate_limited = 23,
    key_revoked = 24,
    superseded = 25,
    draining = 26,
    moved = 27,
    stale_epoch = 28,
    tunnel_closed = 29,
    not_found = 30,
    malformed_name = 31,
    refused = 32,
    cancelled = 33,
    origin_unreachable = 34,
    origin_timeout = 35,
    origin_reset = 36,
    origin_bad_response = 37,
    origin_tls = 38,
    body_too_large = 39,
    head_too_large = 40,
    policy_denied = 41,
    upgrade_refused = 42,
    key_expired = 43,
    plan_limit = 44,
    origin_aborted = 45,  ///< the app ended this one request (RST_STREAM)
    origin_version = 46,  ///< the app cannot be spoken to with the HTTP version that the client uses
    session_lost = 64,    ///< never on the wire: what an application is told when the lane died
};

/// "origin_unreachable", for logs and the X-Instatunnel-Error field. "unknown" for numbers of a newer peer.
std::string_view code_name(code c) noexcept;

struct frame_header {
    std::uint16_t length = 0;
    std::uint8_t type = 0;
    std::uint8_t flags = 0;
    std::uint32_t stream = 0;
};

void put_u16(char* out, std::uint16_t v) noexcept;
void put_u32(char* out, std::uint32_t v) noexcept;
void put_u64(char* out, std::uint64_t v) noexcept;
std::uint16_t get_u16(const char* in) noexcept;
std::uint32_t get_u32(const char* in) noexcept;
std::uint64_t get_u64(const char* in) noexcept;

/// Writes the 8 bytes of a header to `out`.
void encode_frame_header(char* out, const frame_header& h) noexcept;
/// Reads the 8 bytes of a header; any bytes are a header, the session judges it.
frame_header decode_frame_header(const char* in) noexcept;
void append_frame(std::string& out, frame_type type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload);

std::array<char, preface_size> encode_preface(std::uint16_t min_version, std::uint16_t max_version) noexcept;
/// The version both sides speak: the smaller maximum if it reaches both minima, else 0. Also 0 for bytes that are no
/// preface.
std::uint16_t negotiate_version(std::string_view preface, std::uint16_t our_min, std::uint16_t our_max) noexcept;

/// ERROR payload: code, two zero bytes, UTF-8 text of at most 1 KiB.
std::string encode_error(code c, std::string_view text);
/// RESET payload: code, length, text of at most 128 bytes.
std::string encode_reset(code c, std::string_view text);
struct coded_text {
    code what = code::protocol;
    std::string_view text;
};
/// Both decoders give code::protocol for a payload that is too short; texts are cut to their bounds.
coded_text decode_error(std::string_view payload) noexcept;
coded_text decode_reset(std::string_view payload) noexcept;

}  // namespace instatunnel::wire::itp
