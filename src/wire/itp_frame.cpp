#include "instatunnel/wire/itp_frame.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace instatunnel::wire::itp {
namespace {

constexpr std::string_view preface_magic("INSTUN\0\1", 8);
constexpr std::size_t max_error_text = 1024;
constexpr std::size_t max_reset_text = 128;

constexpr std::pair<code, std::string_view> code_names[] = {
    {code::ok, "ok"},
    {code::protocol, "protocol"},
    {code::internal, "internal"},
    {code::flow_control, "flow_control"},
    {code::frame_size, "frame_size"},
    {code::version, "version"},
    {code::idle_timeout, "idle_timeout"},
    {code::ping_timeout, "ping_timeout"},
    {code::unauthenticated, "unauthenticated"},
    {code::forbidden, "forbidden"},
    {code::name_taken, "name_taken"},
    {code::name_reserved, "name_reserved"},
    {code::domain_unverified, "domain_unverified"},
    {code::limit_tunnels, "limit_tunnels"},
    {code::limit_streams, "limit_streams"},
    {code::rate_limited, "rate_limited"},
    {code::key_revoked, "key_revoked"},
    {code::superseded, "superseded"},
    {code::draining, "draining"},
    {code::moved, "moved"},
    {code::stale_epoch, "stale_epoch"},
    {code::tunnel_closed, "tunnel_closed"},
    {code::not_found, "not_found"},
    {code::malformed_name, "malformed_name"},
    {code::refused, "refused"},
    {code::cancelled, "cancelled"},
    {code::origin_unreachable, "origin_unreachable"},
    {code::origin_timeout, "origin_timeout"},
    {code::origin_reset, "origin_reset"},
    {code::origin_bad_response, "origin_bad_response"},
    {code::origin_tls, "origin_tls"},
    {code::body_too_large, "body_too_large"},
    {code::head_too_large, "head_too_large"},
    {code::policy_denied, "policy_denied"},
    {code::upgrade_refused, "upgrade_refused"},
    {code::key_expired, "key_expired"},
    {code::plan_limit, "plan_limit"},
    {code::origin_aborted, "origin_aborted"},
    {code::origin_version, "origin_version"},
    {code::session_lost, "session_lost"},
};

}  // namespace

std::string_view code_name(code c) noexcept {
    const auto* row = std::ranges::find(code_names, c, &std::pair<code, std::string_view>::first);
    return row == std::end(code_names) ? std::string_view("unknown") : row->second;
}

void put_u16(char* out, std::uint16_t v) noexcept {
    v = __builtin_bswap16(v);
    std::memcpy(out, &v, sizeof v);
}
void put_u32(char* out, std::uint32_t v) noexcept {
    v = __builtin_bswap32(v);
    std::memcpy(out, &v, sizeof v);
}
void put_u64(char* out, std::uint64_t v) noexcept {
    v = __builtin_bswap64(v);
    std::memcpy(out, &v, sizeof v);
}
std::uint16_t get_u16(const char* in) noexcept {
    std::uint16_t v = 0;
    std::memcpy(&v, in, sizeof v);
    return __builtin_bswap16(v);
}
std::uint32_t get_u32(const char* in) noexcept {
    std::uint32_t v = 0;
    std::memcpy(&v, in, sizeof v);
    return __builtin_bswap32(v);
}
std::uint64_t get_u64(const char* in) noexcept {
    std::uint64_t v = 0;
    std::memcpy(&v, in, sizeof v);
    return __builtin_bswap64(v);
}

void encode_frame_header(char* out, const frame_header& h) noexcept {
    put_u16(out, h.length);
    out[2] = static_cast<char>(h.type);
    out[3] = static_cast<char>(h.flags);
    put_u32(out + 4, h.stream);
}

frame_header decode_frame_header(const char* in) noexcept {
    return {get_u16(in), static_cast<std::uint8_t>(in[2]), static_cast<std::uint8_t>(in[3]), get_u32(in + 4)};
}

void append_frame(std::string& out, frame_type type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    char header[frame_header_size];
    encode_frame_header(header,
                        {static_cast<std::uint16_t>(payload.size()), static_cast<std::uint8_t>(type), flags, stream});
    out.append(header, sizeof header);
    out.append(payload);
}

std::array<char, preface_size> encode_preface(std::uint16_t min_version, std::uint16_t max_version) noexcept {
    std::array<char, preface_size> preface{};
    std::copy(preface_magic.begin(), preface_magic.end(), preface.begin());
    put_u16(preface.data() + 8, min_version);
    put_u16(preface.data() + 10, max_version);
    return preface;
}

std::uint16_t negotiate_version(std::string_view preface, std::uint16_t our_min, std::uint16_t our_max) noexcept {
    if (preface.size() < preface_size || !preface.starts_with(preface_magic)) return 0;
    const auto their_min = get_u16(preface.data() + 8);
    const auto their_max = get_u16(preface.data() + 10);
    const auto chosen = std::min(our_max, their_max);
    return chosen >= our_min && chosen >= their_min ? chosen : std::uint16_t{0};
}

std::string encode_error(code c, std::string_view text) {
    std::string payload(4, '\0');
    put_u16(payload.data(), static_cast<std::uint16_t>(c));
    payload += text.substr(0, max_error_text);
    return payload;
}

std::string encode_reset(code c, std::string_view text) {
    text = text.substr(0, max_reset_text);
    std::string payload(4, '\0');
    put_u16(payload.data(), static_cast<std::uint16_t>(c));
    put_u16(payload.data() + 2, static_cast<std::uint16_t>(text.size()));
    payload += text;
    return payload;
}

coded_text decode_error(std::string_view payload) noexcept {
    if (payload.size() < 4) return {};
    return {static_cast<code>(get_u16(payload.data())), payload.substr(4, max_error_text)};
}

coded_text decode_reset(std::string_view payload) noexcept {
    if (payload.size() < 4) return {};
    const std::size_t length = std::min<std::size_t>(get_u16(payload.data() + 2), max_reset_text);
    return {static_cast<code>(get_u16(payload.data())), payload.substr(4, length)};
}

}  // namespace instatunnel::wire::itp
