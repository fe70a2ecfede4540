#include "instatunnel/wire/client_hello.hpp"

#include <algorithm>

#include "byte_reader.hpp"

namespace instatunnel::wire {
namespace {

constexpr std::uint8_t record_handshake = 22;
constexpr std::uint8_t message_client_hello = 1;
constexpr std::uint16_t extension_server_name = 0;
constexpr std::uint16_t extension_protocols = 16;
constexpr std::uint8_t name_type_host = 0;
constexpr std::size_t record_header = 5;
constexpr std::size_t max_record = 16 * 1024;
constexpr std::size_t message_header = 4;
constexpr std::size_t max_name = 255;

// Whole size of the message that begins here; 0: not known yet.
std::size_t message_size(std::string_view message) {
    byte_reader r(message.substr(0, message_header));
    r.u8();
    const std::size_t high = r.u8();
    const std::size_t low = r.u16();
    return r.good() ? message_header + (high << 16 | low) : 0;
}

// The first handshake message, or as much of it as there is: what follows it is of other kinds (early data). False:
// these are no handshake records.
bool join_records(std::string_view bytes, std::string& joined) {
    joined.clear();
    while (!bytes.empty()) {
        if (static_cast<std::uint8_t>(bytes[0]) != record_handshake) return false;
        if (bytes.size() > 1 && bytes[1] != 3) return false;
        if (bytes.size() < record_header) return true;
        byte_reader r(bytes.substr(3));
        const std::size_t size = r.u16();
        if (size == 0 || size > max_record) return false;
        bytes.remove_prefix(record_header);
        joined.append(bytes.substr(0, size));
        bytes.remove_prefix(std::min(size, bytes.size()));
        const auto whole = message_size(joined);
        if (whole != 0 && joined.size() >= whole) return true;
    }
    return true;
}

// RFC 6066 §3. Nothing for a list without a host name.
std::string_view read_server_name(std::string_view extension, bool& malformed) {
    byte_reader r(extension);
    byte_reader names(r.bytes(r.u16()));
    malformed = !r.finished();
    while (!malformed && !names.finished()) {
        const auto type = names.u8();
        const auto name = names.bytes(names.u16());
        malformed = !names.good();
        if (!malformed && type == name_type_host) {
            malformed = name.empty() || name.size() > max_name;
            return name;
        }
    }
    return {};
}

// RFC 7301 §3.1: names with a length of one byte each, in a list with a length of two.
std::string_view read_protocols(std::string_view extension, bool& malformed) {
    byte_reader r(extension);
    const auto list = r.bytes(r.u16());
    malformed = !r.finished() || list.empty();
    byte_reader names(list);
    while (!malformed && !names.finished())
        malformed = names.bytes(names.u8()).empty();
    return malformed ? std::string_view() : list;
}

// The body of a ClientHello (RFC 8446 §4.1.2).
hello_peek read_body(std::string_view body) {
    byte_reader r(body);
    r.bytes(2 + 32);   // version, random
    r.bytes(r.u8());   // session
    r.bytes(r.u16());  // cipher suites
    r.bytes(r.u8());   // compression
    if (!r.good()) return {hello_status::other, {}, {}};
    hello_peek hello{hello_status::complete, {}, {}};
    if (r.finished()) return hello;
    byte_reader extensions(r.bytes(r.u16()));
    bool malformed = !r.finished();
    while (!malformed && !extensions.finished()) {
        const auto type = extensions.u16();
        const auto content = extensions.bytes(extensions.u16());
        malformed = !extensions.good();
        if (malformed) break;
        if (type == extension_server_name && hello.server_name.empty())
            hello.server_name = read_server_name(content, malformed);
        else if (type == extension_protocols && hello.protocols.empty())
            hello.protocols = read_protocols(content, malformed);
    }
    if (malformed) return {hello_status::other, {}, {}};
    return hello;
}

}  // namespace

hello_peek peek_client_hello(std::string_view bytes, std::string& joined) {
    if (!join_records(bytes.substr(0, max_client_hello), joined)) return {hello_status::other, {}, {}};
    const auto unfinished = bytes.size() >= max_client_hello ? hello_status::other : hello_status::incomplete;
    if (joined.empty()) return {unfinished, {}, {}};
    if (static_cast<std::uint8_t>(joined[0]) != message_client_hello) return {hello_status::other, {}, {}};
    const auto size = message_size(joined);
    if (size > max_client_hello) return {hello_status::other, {}, {}};
    if (size == 0 || joined.size() < size) return {unfinished, {}, {}};
    return read_body(std::string_view(joined).substr(message_header, size - message_header));
}

}  // namespace instatunnel::wire
