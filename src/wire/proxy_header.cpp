#include "instatunnel/wire/proxy_header.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "byte_reader.hpp"

namespace instatunnel::wire {
namespace {

using itp::visitor_address;

constexpr std::string_view v1_start = "PROXY ";
constexpr std::size_t v1_longest = 107;
constexpr std::string_view v2_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t v2_fixed = 16;
constexpr std::uint8_t v2_local = 0x20, v2_proxy = 0x21;
constexpr std::uint8_t over_tcp4 = 0x11, over_tcp6 = 0x21, unspecified = 0x00;

bool have_one_family(const proxy_ends& ends) {
    return ends.source.family == ends.destination.family && (ends.source.family == 4 || ends.source.family == 6);
}

std::string to_text(const visitor_address& a) {
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(a.family == 4 ? AF_INET : AF_INET6, a.bytes.data(), text, sizeof text);
    return text;
}

void append_v1(std::string& out, const proxy_ends& ends) {
    if (!have_one_family(ends)) {
        out += "PROXY UNKNOWN\r\n";
        return;
    }
    out.append("PROXY TCP").append(ends.source.family == 4 ? "4 " : "6 ").append(to_text(ends.source)).append(" ");
    out.append(to_text(ends.destination)).append(" ").append(std::to_string(ends.source.port)).append(" ");
    out.append(std::to_string(ends.destination.port)).append("\r\n");
}

void append_u16(std::string& out, std::uint16_t v) {
    out += static_cast<char>(v >> 8);
    out += static_cast<char>(v & 0xFF);
}

void append_v2(std::string& out, const proxy_ends& ends) {
    out += v2_signature;
    out += static_cast<char>(v2_proxy);
    if (!have_one_family(ends)) {
        out += static_cast<char>(unspecified);
        return append_u16(out, 0);
    }
    const std::size_t size = ends.source.family == 4 ? 4 : 16;
    out += static_cast<char>(size == 4 ? over_tcp4 : over_tcp6);
    append_u16(out, static_cast<std::uint16_t>(2 * size + 4));
    for (const auto* a : {&ends.source, &ends.destination})
        out.append(reinterpret_cast<const char*>(a->bytes.data()), size);
    append_u16(out, ends.source.port);
    append_u16(out, ends.destination.port);
}

// The next word of a version 1 line: exactly one blank stands between two.
std::string_view take_word(std::string_view& line) {
    const auto word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

bool read_address(std::string_view word, std::uint8_t family, visitor_address& out) {
    char text[INET6_ADDRSTRLEN] = {};
    if (word.empty() || word.size() >= sizeof text) return false;
    word.copy(text, word.size());
    out.family = family;
    return ::inet_pton(family == 4 ? AF_INET : AF_INET6, text, out.bytes.data()) == 1;
}

bool read_port(std::string_view word, std::uint16_t& out) {
    const auto [end, ec] = std::from_chars(word.data(), word.data() + word.size(), out);
    return ec == std::errc() && end == word.data() + word.size() && !(word.size() > 1 && word[0] == '0');
}

proxy_header parse_v1(std::string_view bytes) noexcept {
    const auto end = bytes.substr(0, v1_longest).find("\r\n");
    if (end == std::string_view::npos)
        return {bytes.size() >= v1_longest ? proxy_status::malformed : proxy_status::incomplete, 0, std::nullopt};
    auto line = bytes.substr(0, end);
    line.remove_prefix(v1_start.size());
    const auto protocol = take_word(line);
    // Whatever follows UNKNOWN is to be ignored.
    if (protocol == "UNKNOWN") return {proxy_status::complete, end + 2, std::nullopt};
    if (protocol != "TCP4" && protocol != "TCP6") return {proxy_status::malformed, 0, std::nullopt};
    const std::uint8_t family = protocol == "TCP4" ? 4 : 6;
    proxy_ends ends;
    const bool good = read_address(take_word(line), family, ends.source) &&
                      read_address(take_word(line), family, ends.destination) &&
                      read_port(take_word(line), ends.source.port) && read_port(line, ends.destination.port);
    if (!good) return {proxy_status::malformed, 0, std::nullopt};
    return {proxy_status::complete, end + 2, ends};
}

proxy_header parse_v2(std::string_view bytes) noexcept {
    if (bytes.size() < v2_fixed) return {};
    byte_reader fixed(bytes.substr(v2_signature.size()));
    const auto command = fixed.u8();
    const auto transport = fixed.u8();
    const std::size_t size = v2_fixed + fixed.u16();
    if ((command != v2_local && command != v2_proxy) || size > max_proxy_header)
        return {proxy_status::malformed, 0, std::nullopt};
    if (bytes.size() < size) return {};
    // Of a check by the relay itself, and of transports that are no TCP, the addresses are to be ignored.
    if (command == v2_local || (transport != over_tcp4 && transport != over_tcp6))
        return {proxy_status::complete, size, std::nullopt};
    byte_reader r(bytes.substr(v2_fixed, size - v2_fixed));
    proxy_ends ends;
    const std::size_t width = transport == over_tcp4 ? 4 : 16;
    for (auto* a : {&ends.source, &ends.destination}) {
        a->family = width == 4 ? 4 : 6;
        const auto address = r.bytes(width);
        std::copy(address.begin(), address.end(), a->bytes.begin());
    }
    ends.source.port = r.u16();
    ends.destination.port = r.u16();
    if (!r.good()) return {proxy_status::malformed, 0, std::nullopt};
    return {proxy_status::complete, size, ends};
}

bool could_begin(std::string_view bytes, std::string_view with) {
    const auto size = std::min(bytes.size(), with.size());
    return bytes.substr(0, size) == with.substr(0, size);
}

}  // namespace

std::optional<proxy_version> parse_proxy_version(std::string_view text) noexcept {
    if (text == "v1" || text == "1") return proxy_version::v1;
    if (text == "v2" || text == "2") return proxy_version::v2;
    return std::nullopt;
}

void append_proxy_header(std::string& out, proxy_version version, const proxy_ends& ends) {
    if (version == proxy_version::v1) return append_v1(out, ends);
    append_v2(out, ends);
}

proxy_header parse_proxy_header(std::string_view bytes) noexcept {
    if (could_begin(bytes, v2_signature)) return bytes.size() < v2_signature.size() ? proxy_header() : parse_v2(bytes);
    if (could_begin(bytes, v1_start)) return bytes.size() < v1_start.size() ? proxy_header() : parse_v1(bytes);
    return {proxy_status::malformed, 0, std::nullopt};
}

}  // namespace instatunnel::wire
