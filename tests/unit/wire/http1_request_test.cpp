#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/http1.hpp"

using namespace instatunnel::wire;
using namespace std::string_literals;

namespace {

const http1_limits request_limits;

// What a head says, written out, so that two results can be compared and a difference read.
std::string describe(const request_head& head) {
    static constexpr const char* bodies[] = {"none", "length", "chunked", "until_close"};
    std::string text = std::string(head.method) + " " + std::string(head.path) + " @" + std::string(head.authority) +
                       " 1." + std::to_string(head.minor_version) + " " + bodies[static_cast<int>(head.body)];
    if (head.body == body_kind::length) text += " " + std::to_string(head.content_length);
    if (head.keep_alive) text += " keep-alive";
    if (head.expect_continue) text += " expect";
    if (!head.upgrade.empty()) text += " upgrade=" + std::string(head.upgrade);
    return text;
}

std::string describe_fields(const std::vector<field>& fields) {
    std::string text;
    for (const auto& f : fields)
        text += "[" + std::string(f.name) + "|" + std::string(f.value) + "]";
    return text;
}

/// The answer to bytes that arrive one by one, each time in fresh memory of exactly their size.
parse_result feed_bytewise(std::string_view input, const http1_limits& limits, request_head& head, std::string& kept) {
    std::size_t seen = 0;
    for (std::size_t size = 1; size <= input.size(); ++size) {
        kept.assign(input.substr(0, size));
        const auto result = parse_request_head(kept, seen, limits, head);
        if (result.status != parse_status::incomplete) return result;
        seen = size;
    }
    return {};
}

struct accepted_request {
    const char* rule;
    std::string input;
    std::string meaning;
};

const std::string host_field = "Host: a\r\n";

const std::vector<accepted_request> accepted_requests = {
    {"RFC 9112 §3: request line", "GET / HTTP/1.1\r\n" + host_field + "\r\n", "GET / @a 1.1 none keep-alive"},
    {"RFC 9112 §2.2: one empty line before the request line", "\r\nGET / HTTP/1.1\r\n" + host_field + "\r\n",
     "GET / @a 1.1 none keep-alive"},
    {"RFC 9112 §3.2.1: origin-form with a query", "GET /a/b?c=/d&e=%20 HTTP/1.1\r\n" + host_field + "\r\n",
     "GET /a/b?c=/d&e=%20 @a 1.1 none keep-alive"},
    {"RFC 9112 §3.2.1: visible ASCII outside the URI grammar, as browsers send it",
     "GET /a|b\"<>\\^`{}[] HTTP/1.1\r\n" + host_field + "\r\n", "GET /a|b\"<>\\^`{}[] @a 1.1 none keep-alive"},
    {"RFC 9112 §3.2.1: a path of two slashes stays as it is", "GET //b/../c HTTP/1.1\r\n" + host_field + "\r\n",
     "GET //b/../c @a 1.1 none keep-alive"},
    {"RFC 9112 §3.2.2: authority of absolute-form wins over Host",
     "GET http://b:81/x?y HTTP/1.1\r\n" + host_field + "\r\n", "GET /x?y @b:81 1.1 none keep-alive"},
    {"RFC 9110 §4.2.3: scheme is case-insensitive, empty path is /", "GET HTTPS://b HTTP/1.1\r\n" + host_field + "\r\n",
     "GET / @b 1.1 none keep-alive"},
    {"RFC 9112 §3.2.4: asterisk-form", "OPTIONS * HTTP/1.1\r\n" + host_field + "\r\n",
     "OPTIONS * @a 1.1 none keep-alive"},
    {"RFC 9112 §3.2.4: OPTIONS of a URL without a path", "OPTIONS http://b HTTP/1.1\r\n" + host_field + "\r\n",
     "OPTIONS * @b 1.1 none keep-alive"},
    {"RFC 9110 §9.1: methods are tokens, unknown ones are passed on", "M-SEARCH! /x HTTP/1.1\r\n" + host_field + "\r\n",
     "M-SEARCH! /x @a 1.1 none keep-alive"},
    {"RFC 9112 §3.2: Host with a port", "GET / HTTP/1.1\r\nHost: demo.localhost:8443\r\n\r\n",
     "GET / @demo.localhost:8443 1.1 none keep-alive"},
    {"RFC 3986 §3.2.2: Host that is an IPv6 address", "GET / HTTP/1.1\r\nHost: [2001:dB8::1.2.3.4]:80\r\n\r\n",
     "GET / @[2001:dB8::1.2.3.4]:80 1.1 none keep-alive"},
    {"RFC 3986 §3.2.3: an empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET / @a: 1.1 none keep-alive"},
    {"RFC 9110 §5.1: field names are case-insensitive", "GET / HTTP/1.1\r\nhOST: a\r\nCONTENT-LENGTH: 1\r\n\r\n",
     "GET / @a 1.1 length 1 keep-alive"},
    {"RFC 9112 §5.1: blanks around a value", "GET / HTTP/1.1\r\nHost:\t a \t\r\nContent-Length:5\r\n\r\n",
     "GET / @a 1.1 length 5 keep-alive"},
    {"RFC 9112 §6.2: Content-Length", "POST / HTTP/1.1\r\n" + host_field + "Content-Length: 0\r\n\r\n",
     "POST / @a 1.1 length 0 keep-alive"},
    {"RFC 9110 §8.6: leading zeros are digits", "POST / HTTP/1.1\r\n" + host_field + "Content-Length: 0017\r\n\r\n",
     "POST / @a 1.1 length 17 keep-alive"},
    {"RFC 9110 §8.6: the largest length",
     "POST / HTTP/1.1\r\n" + host_field + "Content-Length: 9223372036854775807\r\n\r\n",
     "POST / @a 1.1 length 9223372036854775807 keep-alive"},
    {"RFC 9112 §7: chunked is case-insensitive",
     "POST / HTTP/1.1\r\n" + host_field + "Transfer-Encoding: \tChunKed \r\n\r\n", "POST / @a 1.1 chunked keep-alive"},
    {"RFC 9110 §5.1: an underscore makes another field",
     "GET / HTTP/1.1\r\n" + host_field + "Content_Length: 5\r\n\r\n", "GET / @a 1.1 none keep-alive"},
    {"RFC 9112 §9.6: close", "GET / HTTP/1.1\r\n" + host_field + "Connection: Close\r\n\r\n", "GET / @a 1.1 none"},
    {"RFC 9110 §7.6.1: Connection on several lines",
     "GET / HTTP/1.1\r\n" + host_field + "Connection: keep-alive, x\r\nConnection: y ,\tclose\r\n\r\n",
     "GET / @a 1.1 none"},
    {"RFC 9112 §9.3: HTTP/1.0 closes", "GET / HTTP/1.0\r\n" + host_field + "\r\n", "GET / @a 1.0 none"},
    {"RFC 9112 §9.3: HTTP/1.0 with keep-alive", "GET / HTTP/1.0\r\n" + host_field + "Connection: keep-alive\r\n\r\n",
     "GET / @a 1.0 none keep-alive"},
    {"RFC 9112 §3.2: HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", "GET / @ 1.0 none"},
    {"RFC 9110 §10.1.1: Expect",
     "PUT / HTTP/1.1\r\n" + host_field + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n",
     "PUT / @a 1.1 length 1 keep-alive expect"},
    {"RFC 9110 §10.1.1: Expect of HTTP/1.0 is ignored",
     "PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "PUT / @ 1.0 length 1"},
    {"RFC 9110 §7.8: Upgrade", "GET / HTTP/1.1\r\n" + host_field + "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
     "GET / @a 1.1 none keep-alive upgrade=websocket"},
    {"RFC 9110 §7.8: the first of several Upgrade lines is the preferred one",
     "GET / HTTP/1.1\r\n" + host_field + "Upgrade: websocket\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
     "GET / @a 1.1 none keep-alive upgrade=websocket"},
    {"RFC 9110 §7.8: Upgrade that Connection does not name", "GET / HTTP/1.1\r\n" + host_field + "Upgrade: h2c\r\n\r\n",
     "GET / @a 1.1 none keep-alive"},
    {"RFC 9110 §7.8: Upgrade of HTTP/1.0 is ignored",
     "GET / HTTP/1.0\r\n" + host_field + "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n", "GET / @a 1.0 none"},
    {"RFC 9110 §5.5: empty values and bytes from 0x80 on",
     "GET / HTTP/1.1\r\n" + host_field + "X:\r\nY: \xc3\xa9\xff\r\n\r\n", "GET / @a 1.1 none keep-alive"},
};

struct refused_request {
    const char* rule;
    std::string input;
    int status;
    std::string reason;
};

const std::string get = "GET / HTTP/1.1\r\n";

const std::vector<refused_request> refused_requests = {
    {"RFC 9112 §2.2: a second empty line", "\r\n\r\n" + get + host_field + "\r\n", 400, "malformed method"},
    {"RFC 9112 §2.2: an empty line that is a bare LF", "\n" + get + host_field + "\r\n", 400, "malformed method"},
    {"RFC 9112 §2.2: bare LF behind the request line", "GET / HTTP/1.1\n" + host_field + "\r\n", 400, "bare LF"},
    {"RFC 9112 §2.2: bare LF behind a field", get + "Host: a\nX: b\r\n\r\n", 400, "bare LF"},
    {"RFC 9112 §2.2: bare LF as the empty line", get + host_field + "\n", 400, "bare LF"},
    {"RFC 9112 §2.2: bare CR in a value", get + host_field + "X: a\rb\r\n\r\n", 400, "bare CR"},
    {"RFC 9112 §2.2: bare CR as line end", "GET / HTTP/1.1\rHost: a\r\r", 400, "bare CR"},
    {"RFC 9112 §2.2: CR CR LF", get + host_field + "X: a\r\r\n\r\n", 400, "bare CR"},
    {"RFC 9112 §2.2: blanks between request line and fields", get + " " + host_field + "\r\n", 400,
     "line begins with a blank"},
    {"RFC 9112 §3: blank before the method", " " + get + host_field + "\r\n", 400, "malformed method"},
    {"RFC 9112 §3: garbage", "\x16\x03\x01\x02\x01\x01"s, 400, "malformed method"},
    {"RFC 9112 §3: method that is not a token", "G{T / HTTP/1.1\r\n" + host_field + "\r\n", 400, "malformed method"},
    {"RFC 9112 §3: tab between method and target", "GET\t/ HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "malformed method"},
    {"RFC 9112 §3: no target", "GET HTTP/1.1\r\n" + host_field + "\r\n", 400, "malformed request target"},
    {"RFC 9112 §3: two spaces before the target", "GET  / HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "malformed request target"},
    {"RFC 9112 §3: two spaces behind the target", "GET /  HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "start line without an HTTP version"},
    {"RFC 9112 §3: space in the target", "GET /a b HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "start line without an HTTP version"},
    {"RFC 9112 §3: space behind the version", "GET / HTTP/1.1 \r\n" + host_field + "\r\n", 400,
     "bytes behind the HTTP version"},
    {"RFC 9112 §3: HTTP/0.9", "GET /\r\n\r\n", 400, "malformed request target"},
    {"RFC 3986 §2: NUL in the target", "GET /a\0b HTTP/1.1\r\n"s + host_field + "\r\n", 400,
     "malformed request target"},
    {"RFC 3986 §2: bytes from 0x80 on in the target", "GET /\xc3\xa9 HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "malformed request target"},
    {"RFC 9112 §3.2: fragment in the target", "GET /a#b HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "malformed request target"},
    {"RFC 9112 §3.2.1: target without a slash", "GET a HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "target that is neither a path nor an http or https URL"},
    {"RFC 9112 §3.2.2: another scheme", "GET ftp://b/ HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "target that is neither a path nor an http or https URL"},
    {"RFC 9110 §4.2.1: URL without a host", "GET http:///x HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "malformed authority in the target"},
    {"RFC 9110 §4.2.4: user information in the URL", "GET http://u:p@b/ HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "malformed authority in the target"},
    {"RFC 9112 §3.2.2: URL with a query and no path", "GET http://b?x HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "URL with a query but without a path"},
    {"RFC 9112 §3.2.3: CONNECT", "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", 501, "CONNECT"},
    {"RFC 9112 §3.2.3: CONNECT of a path", "CONNECT / HTTP/1.1\r\n" + host_field + "\r\n", 501, "CONNECT"},
    {"RFC 9112 §3.2.4: asterisk with GET", "GET * HTTP/1.1\r\n" + host_field + "\r\n", 400,
     "target * with a method that is not OPTIONS"},
    {"RFC 9112 §2.3: lower-case name", "GET / http/1.1\r\n" + host_field + "\r\n", 400,
     "start line without an HTTP version"},
    {"RFC 9112 §2.3: version without a minor", "GET / HTTP/1\r\n" + host_field + "\r\n", 400, "malformed HTTP version"},
    {"RFC 9112 §2.3: leading zeros", "GET / HTTP/01.1\r\n" + host_field + "\r\n", 400, "malformed HTTP version"},
    {"RFC 9112 §2.3: three digits", "GET / HTTP/1.10\r\n" + host_field + "\r\n", 400, "bytes behind the HTTP version"},
    {"RFC 9110 §15.6.6: HTTP/1.2", "GET / HTTP/1.2\r\n" + host_field + "\r\n", 505,
     "HTTP version that is not 1.0 or 1.1"},
    {"RFC 9113 §3.4: the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505,
     "HTTP version that is not 1.0 or 1.1"},
    {"RFC 9112 §5: line without a colon", get + host_field + "X\r\n\r\n", 400, "field line without a colon"},
    {"RFC 9112 §5.1: blank before the colon", get + host_field + "X : a\r\n\r\n", 400, "blank before the colon"},
    {"RFC 9112 §5.1: tab before the colon", get + host_field + "Transfer-Encoding\t: chunked\r\n\r\n", 400,
     "blank before the colon"},
    {"RFC 9112 §5.2: folded line", get + host_field + "X: a\r\n b\r\n\r\n", 400, "folded line"},
    {"RFC 9112 §5.2: folded Transfer-Encoding", get + host_field + "Transfer-Encoding:\r\n\tchunked\r\n\r\n", 400,
     "folded line"},
    {"RFC 9112 §5.2: line of blanks only", get + host_field + " \r\n\r\n", 400, "folded line"},
    {"RFC 9110 §5.1: empty name", get + host_field + ": a\r\n\r\n", 400, "empty field name"},
    {"RFC 9110 §5.1: name that is not a token", get + host_field + "X(y): a\r\n\r\n", 400,
     "byte that is not allowed in a field name"},
    {"RFC 9110 §5.1: byte from 0x80 on in a name", get + host_field + "X\xc3\xa9: a\r\n\r\n", 400,
     "byte that is not allowed in a field name"},
    {"RFC 9110 §5.5: NUL in a value", get + host_field + "X: a\0b\r\n\r\n"s, 400, "control byte in a line"},
    {"RFC 9110 §5.5: vertical tab in a value", get + host_field + "Transfer-Encoding: \vchunked\r\n\r\n", 400,
     "control byte in a line"},
    {"RFC 9110 §5.5: DEL in a value", get + host_field + "X: a long value before the \x7f byte\r\n\r\n", 400,
     "control byte in a line"},
    {"RFC 9112 §3.2: no Host", get + "X: a\r\n\r\n", 400, "no Host"},
    {"RFC 9112 §3.2: no Host with absolute-form", "GET http://a/ HTTP/1.1\r\n\r\n", 400, "no Host"},
    {"RFC 9112 §3.2: two Hosts", get + host_field + "Host: b\r\n\r\n", 400, "more than one Host"},
    {"RFC 9112 §3.2: the same Host twice", get + host_field + host_field + "\r\n", 400, "more than one Host"},
    {"RFC 9112 §3.2: two Hosts on 1.0", "GET / HTTP/1.0\r\n" + host_field + host_field + "\r\n", 400,
     "more than one Host"},
    {"RFC 9110 §7.2: empty Host", get + "Host:\r\n\r\n", 400, "malformed Host"},
    {"RFC 9110 §7.2: Host with a path", get + "Host: a/b\r\n\r\n", 400, "malformed Host"},
    {"RFC 9110 §7.2: Host with user information", get + "Host: u@a\r\n\r\n", 400, "malformed Host"},
    {"RFC 9110 §7.2: list of Hosts", get + "Host: a,b\r\n\r\n", 400, "malformed Host"},
    {"RFC 9110 §7.2: blank in Host", get + "Host: a b\r\n\r\n", 400, "malformed Host"},
    {"RFC 3986 §3.2.3: port that is not a number", get + "Host: a:8x\r\n\r\n", 400, "malformed Host"},
    {"RFC 3986 §3.2.3: port that is too long", get + "Host: a:123456\r\n\r\n", 400, "malformed Host"},
    {"RFC 3986 §3.2.3: port without a host", get + "Host: :80\r\n\r\n", 400, "malformed Host"},
    {"RFC 3986 §3.2.2: open bracket", get + "Host: [::1\r\n\r\n", 400, "malformed Host"},
    {"RFC 3986 §3.2.2: empty brackets", get + "Host: []\r\n\r\n", 400, "malformed Host"},
    {"RFC 9112 §6.1: Transfer-Encoding and Content-Length",
     get + host_field + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400,
     "both Transfer-Encoding and Content-Length"},
    {"RFC 9112 §6.1: Content-Length and Transfer-Encoding",
     get + host_field + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "both Transfer-Encoding and Content-Length"},
    {"RFC 9112 §6.1: Transfer-Encoding on 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
     "Transfer-Encoding in HTTP/1.0"},
    {"RFC 9112 §6.1: unknown coding", get + host_field + "Transfer-Encoding: xchunked\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §6.1: another coding before chunked", get + host_field + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §6.3: chunked is not the last coding", get + host_field + "Transfer-Encoding: chunked, gzip\r\n\r\n",
     501, "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7.1: chunked twice", get + host_field + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7.1: chunked twice, on two lines",
     get + host_field + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7: chunked with a parameter", get + host_field + "Transfer-Encoding: chunked;a=b\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7: empty list members", get + host_field + "Transfer-Encoding: ,chunked\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7: identity is gone", get + host_field + "Transfer-Encoding: identity\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7: quoted coding", get + host_field + "Transfer-Encoding: \"chunked\"\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7: empty Transfer-Encoding", get + host_field + "Transfer-Encoding:\r\n\r\n", 501,
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §6.3: differing Content-Length", get + host_field + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
     400, "more than one Content-Length"},
    {"RFC 9112 §6.3: the same Content-Length twice",
     get + host_field + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400, "more than one Content-Length"},
    {"RFC 9110 §8.6: list of the same number", get + host_field + "Content-Length: 5, 5\r\n\r\n", 400,
     "more than one Content-Length"},
    {"RFC 9110 §8.6: list with an empty member", get + host_field + "Content-Length: 5,\r\n\r\n", 400,
     "more than one Content-Length"},
    {"RFC 9110 §8.6: plus sign", get + host_field + "Content-Length: +5\r\n\r\n", 400, "malformed Content-Length"},
    {"RFC 9110 §8.6: minus sign", get + host_field + "Content-Length: -0\r\n\r\n", 400, "malformed Content-Length"},
    {"RFC 9110 §8.6: hexadecimal", get + host_field + "Content-Length: 0x5\r\n\r\n", 400, "malformed Content-Length"},
    {"RFC 9110 §8.6: blank inside", get + host_field + "Content-Length: 1 0\r\n\r\n", 400, "malformed Content-Length"},
    {"RFC 9110 §8.6: underscore inside", get + host_field + "Content-Length: 1_0\r\n\r\n", 400,
     "malformed Content-Length"},
    {"RFC 9110 §8.6: empty", get + host_field + "Content-Length:\r\n\r\n", 400, "malformed Content-Length"},
    {"RFC 9110 §8.6: beyond 2^63 - 1", get + host_field + "Content-Length: 9223372036854775808\r\n\r\n", 400,
     "malformed Content-Length"},
    {"RFC 9110 §8.6: overflow", get + host_field + "Content-Length: 99999999999999999999999\r\n\r\n", 400,
     "malformed Content-Length"},
};

std::string request_of_size(std::size_t size) {
    std::string text = get + host_field;
    while (text.size() + 2 < size) {
        const std::size_t line = std::min<std::size_t>(size - 2 - text.size(), 1000);
        REQUIRE(line >= 5);
        // A remainder that is too short for a line of its own would be left over.
        const std::size_t length =
            size - 2 - text.size() - line < 5 && size - 2 - text.size() != line ? line - 10 : line;
        text += "X: " + std::string(length - 5, 'v') + "\r\n";
    }
    return text + "\r\n";
}

}  // namespace

TEST_CASE("a valid request head is accepted with its meaning") {
    for (const auto& row : accepted_requests) {
        INFO(row.rule);
        request_head head;
        const std::string input = row.input + "BODY";
        const auto result = parse_request_head(input, 0, request_limits, head);
        INFO(result.reason);
        REQUIRE(result.status == parse_status::done);
        CHECK(result.consumed == row.input.size());
        CHECK(describe(head) == row.meaning);
    }
}

TEST_CASE("a valid request head that arrives byte by byte means the same") {
    for (const auto& row : accepted_requests) {
        INFO(row.rule);
        request_head whole, pieces;
        std::string kept;
        const auto expected = parse_request_head(row.input, 0, request_limits, whole);
        const auto result = feed_bytewise(row.input, request_limits, pieces, kept);
        REQUIRE(result.status == parse_status::done);
        CHECK(result.consumed == expected.consumed);
        CHECK(describe(pieces) == row.meaning);
        CHECK(describe_fields(pieces.fields) == describe_fields(whole.fields));
    }
}

TEST_CASE("a valid request head that arrives in two pieces is complete with the second") {
    for (const auto& row : accepted_requests) {
        INFO(row.rule);
        for (std::size_t cut = 1; cut < row.input.size(); ++cut) {
            INFO("cut at " << cut);
            request_head head;
            REQUIRE(parse_request_head(row.input.substr(0, cut), 0, request_limits, head).status ==
                    parse_status::incomplete);
            const auto result = parse_request_head(row.input, cut, request_limits, head);
            REQUIRE(result.status == parse_status::done);
            REQUIRE(describe(head) == row.meaning);
        }
    }
}

TEST_CASE("an invalid request head is refused with the status and rule") {
    for (const auto& row : refused_requests) {
        INFO(row.rule);
        request_head head;
        const auto result = parse_request_head(row.input, 0, request_limits, head);
        REQUIRE(result.status == parse_status::invalid);
        CHECK(result.http_status == row.status);
        CHECK(result.reason == row.reason);
    }
}

TEST_CASE("an invalid request head that arrives byte by byte is refused likewise") {
    for (const auto& row : refused_requests) {
        INFO(row.rule);
        request_head head;
        std::string kept;
        const auto result = feed_bytewise(row.input, request_limits, head, kept);
        REQUIRE(result.status == parse_status::invalid);
        CHECK(result.http_status == row.status);
        CHECK(result.reason == row.reason);
    }
}

TEST_CASE("fields keep their order, case and repetition") {
    request_head head;
    const std::string input = get + "Set-Thing: 1\r\nHost: a\r\nset-thing:  2  3\t\r\nEmpty:\r\n\r\n";
    REQUIRE(parse_request_head(input, 0, request_limits, head).status == parse_status::done);
    CHECK(describe_fields(head.fields) == "[Set-Thing|1][Host|a][set-thing|2  3][Empty|]");
}

TEST_CASE("a field's name ends at the colon wherever that stands, and holds token characters only (RFC 9110 §5.1)") {
    for (std::size_t length = 1; length < 50; ++length) {
        INFO("a name of " << length << " bytes");
        const std::string name(length, 'n');
        request_head head;
        const std::string input = get + host_field + name + ":v\r\nB: another field\r\n\r\n";
        REQUIRE(parse_request_head(input, 0, request_limits, head).status == parse_status::done);
        CHECK(describe_fields(head.fields) == "[Host|a][" + name + "|v][B|another field]");
        for (const char wrong : {' ', '(', '\x7f', '\x80', '\0', '@'}) {
            std::string bad = input;
            bad[get.size() + host_field.size() + length - 1] = wrong;
            CHECK(parse_request_head(bad, 0, request_limits, head).status == parse_status::invalid);
        }
        std::string odd = input;
        odd[get.size() + host_field.size() + length - 1] = '_';
        CHECK(parse_request_head(odd, 0, request_limits, head).status == parse_status::done);
    }
}

TEST_CASE("a head that is reused keeps nothing of the request before") {
    request_head head;
    parse_request_head(
        "PUT http://b/ HTTP/1.0\r\n" + host_field +
            "Content-Length: 7\r\nExpect: 100-continue\r\nConnection: close, upgrade\r\nUpgrade: x\r\n\r\n",
        0, request_limits, head);
    REQUIRE(head.content_length == 7);
    const std::string input = get + host_field + "\r\n";
    const auto result = parse_request_head(input, 0, request_limits, head);
    REQUIRE(result.status == parse_status::done);
    CHECK(describe(head) == "GET / @a 1.1 none keep-alive");
    CHECK(head.content_length == 0);
    CHECK(describe_fields(head.fields) == "[Host|a]");
}

TEST_CASE("pipelined requests are read one after the other") {
    const std::string input = get + host_field + "\r\nGET /2 HTTP/1.1\r\n" + host_field + "\r\n";
    request_head head;
    const auto first = parse_request_head(input, 0, request_limits, head);
    REQUIRE(first.status == parse_status::done);
    const auto second = parse_request_head(std::string_view(input).substr(first.consumed), 0, request_limits, head);
    REQUIRE(second.status == parse_status::done);
    CHECK(head.path == "/2");
    CHECK(first.consumed + second.consumed == input.size());
}

TEST_CASE("garbage is refused before a line end arrives") {
    request_head head;
    CHECK(parse_request_head("\x16", 0, request_limits, head).status == parse_status::invalid);
    CHECK(parse_request_head("{\"json\"", 0, request_limits, head).status == parse_status::invalid);
    CHECK(parse_request_head("GET / RTSP", 0, request_limits, head).status == parse_status::invalid);
    SECTION("also in a later piece") {
        REQUIRE(parse_request_head("GE", 0, request_limits, head).status == parse_status::incomplete);
        CHECK(parse_request_head("GE\x01", 2, request_limits, head).status == parse_status::invalid);
    }
    SECTION("also behind the empty line that is skipped") {
        CHECK(parse_request_head("\r\n\x16", 2, request_limits, head).status == parse_status::invalid);
        CHECK(parse_request_head("\r\nGET / HTTP/3.0\r\n", 5, request_limits, head).http_status == 505);
    }
    SECTION("a wrong version is refused as soon as its line is complete") {
        REQUIRE(parse_request_head("PRI * HTTP/2.0\r", 0, request_limits, head).http_status == 505);
        REQUIRE(parse_request_head("PRI * HTTP", 0, request_limits, head).status == parse_status::incomplete);
        CHECK(parse_request_head("PRI * HTTP/2.0\r\n", 10, request_limits, head).http_status == 505);
    }
}

TEST_CASE("a start line may be as long as its limit and no longer (RFC 9112 §3)") {
    http1_limits limits;
    limits.max_start_line = 100;
    for (const std::size_t length : {100U, 101U}) {
        INFO(length);
        const std::string line = "GET /" + std::string(length - 14, 'a') + " HTTP/1.1";
        REQUIRE(line.size() == length);
        const int expected = length == 100 ? 0 : 414;
        request_head head;
        std::string kept;
        const std::string input = line + "\r\n" + host_field + "\r\n";
        CHECK(parse_request_head(input, 0, limits, head).http_status == expected);
        CHECK(parse_request_head("\r\n" + input, 0, limits, head).http_status == expected);
        CHECK(feed_bytewise(input, limits, head, kept).http_status == expected);
    }
    request_head head;
    CHECK(parse_request_head("GET /" + std::string(96, 'a'), 0, limits, head).status == parse_status::incomplete);
    CHECK(parse_request_head("GET /" + std::string(97, 'a'), 0, limits, head).http_status == 414);
    CHECK(parse_request_head("GET /" + std::string(97, 'a'), 100, limits, head).http_status == 414);
}

TEST_CASE("a field may be as long as its limit and no longer (RFC 9110 §5.4)") {
    http1_limits limits;
    limits.max_field = 100;
    for (const std::size_t length : {100U, 101U}) {
        INFO(length);
        const int expected = length == 100 ? 0 : 431;
        const std::string input = get + host_field + "X: " + std::string(length - 3, 'v') + "\r\n\r\n";
        request_head head;
        std::string kept;
        CHECK(parse_request_head(input, 0, limits, head).http_status == expected);
        CHECK(feed_bytewise(input, limits, head, kept).http_status == expected);
    }
    request_head head;
    const std::string unfinished = get + host_field + "X: " + std::string(99, 'v');
    CHECK(parse_request_head(unfinished.substr(0, unfinished.size() - 1), 0, limits, head).http_status == 0);
    CHECK(parse_request_head(unfinished, 0, limits, head).http_status == 431);
    CHECK(parse_request_head(unfinished, unfinished.size() - 1, limits, head).http_status == 431);
}

TEST_CASE("a head may have as many fields as its limit and no more (RFC 9110 §5.4)") {
    std::string fields = host_field;
    for (int i = 1; i < 100; ++i)
        fields += "X: y\r\n";
    request_head head;
    CHECK(parse_request_head(get + fields + "\r\n", 0, request_limits, head).status == parse_status::done);
    CHECK(parse_request_head(get + fields + "X: y\r\n\r\n", 0, request_limits, head).http_status == 431);
}

TEST_CASE("a head may be as long as its limit and no longer (RFC 9110 §5.4)") {
    const auto fits = request_of_size(request_limits.max_head);
    const auto too_long = request_of_size(request_limits.max_head + 1);
    REQUIRE(fits.size() == request_limits.max_head);
    REQUIRE(too_long.size() == request_limits.max_head + 1);
    request_head head;
    CHECK(parse_request_head(fits, 0, request_limits, head).status == parse_status::done);
    CHECK(parse_request_head(fits + "body", 0, request_limits, head).status == parse_status::done);
    CHECK(parse_request_head(too_long, 0, request_limits, head).http_status == 431);
    SECTION("the end need not come") {
        const auto unfinished = fits.substr(0, fits.size() - 2) + "XX";
        CHECK(parse_request_head(unfinished, 0, request_limits, head).http_status == 431);
        CHECK(parse_request_head(unfinished, unfinished.size() - 1, request_limits, head).http_status == 431);
        CHECK(parse_request_head(unfinished.substr(0, 60000), 59000, request_limits, head).status ==
              parse_status::incomplete);
    }
}
