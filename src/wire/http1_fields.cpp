#include <algorithm>
#include <charconv>
#include <iterator>

#include "http1_scan.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::wire {
namespace {

struct phrase {
    int status;
    std::string_view text;
};

// IANA HTTP Status Code Registry, ascending.
constexpr phrase phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {510, "Not Extended"},
    {511, "Network Authentication Required"},
};
static_assert(std::ranges::is_sorted(phrases, {}, &phrase::status));

}  // namespace

std::string_view reason_phrase(int status) noexcept {
    const auto* found = std::ranges::lower_bound(phrases, status, {}, &phrase::status);
    return found != std::end(phrases) && found->status == status ? found->text : "Unknown";
}

bool is_token(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return !text.empty() && http1::skip_token(text.data(), end) == end;
}

bool is_field_value(std::string_view text) noexcept {
    const char* const end = text.data() + text.size();
    return http1::skip_value(text.data(), end) == end;
}

bool list_has_token(std::string_view list, std::string_view token) noexcept {
    return !http1::for_each_member(list, [token](std::string_view member) { return !iequals(member, token); });
}

bool is_hop_by_hop(std::string_view name) noexcept {
    using http1::equals_lower;
    switch (name.size()) {
        case 2:
            return equals_lower(name, "te");
        case 7:
            return equals_lower(name, "upgrade") || equals_lower(name, "trailer");
        case 10:
            return equals_lower(name, "connection") || equals_lower(name, "keep-alive");
        case 14:
            return iequals(name, "http2-settings");
        case 16:
            return equals_lower(name, "proxy-connection");
        case 17:
            return equals_lower(name, "transfer-encoding");
        case 18:
            return equals_lower(name, "proxy-authenticate");
        case 19:
            return equals_lower(name, "proxy-authorization");
        default:
            return false;
    }
}

bool parse_field_lines(std::string_view lines, std::vector<field>& out) {
    out.clear();
    while (!lines.empty()) {
        const auto line_end = lines.find("\r\n");
        if (line_end == std::string_view::npos) return false;
        const auto line = lines.substr(0, line_end);
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return false;
        const field parsed{line.substr(0, colon), http1::trim_blanks(line.substr(colon + 1))};
        if (!is_token(parsed.name) || !is_field_value(parsed.value)) return false;
        out.push_back(parsed);
        lines.remove_prefix(line_end + 2);
    }
    return true;
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
    const auto start = out.size();
    // Grown once: four appends check and count four times, for a few bytes each.
    out.resize(start + name.size() + value.size() + 4);
    char* p = std::copy(name.begin(), name.end(), out.data() + start);
    *p++ = ':';
    *p++ = ' ';
    p = std::copy(value.begin(), value.end(), p);
    *p++ = '\r';
    *p = '\n';
}

void append_chunk_header(std::string& out, std::size_t size) {
    char digits[2 * sizeof size];
    const auto end = std::to_chars(digits, digits + sizeof digits, size, 16).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
    out += "\r\n";
}

}  // namespace instatunnel::wire
