#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/http1.hpp"

using namespace instatunnel::wire;
using namespace std::string_literals;

namespace {

const http1_limits response_limits;

parse_result parse(std::string& input, std::string_view method, response_head& head, std::size_t already_seen = 0) {
    return parse_response_head(input.data(), input.size(), already_seen, method, response_limits, head);
}

std::string describe(const response_head& head) {
    static constexpr const char* bodies[] = {"none", "length", "chunked", "until_close"};
    std::string text = std::to_string(head.status) + " '" + std::string(head.reason) + "' 1." +
                       std::to_string(head.minor_version) + " " + bodies[static_cast<int>(head.body)];
    if (head.body == body_kind::length) text += " " + std::to_string(head.content_length);
    if (head.keep_alive) text += " keep-alive";
    for (const auto& f : head.fields)
        text += " [" + std::string(f.name) + "|" + std::string(f.value) + "]";
    return text;
}

/// Bytes arrive one by one in one buffer, as a connection's buffer keeps them.
parse_result feed_bytewise(std::string_view input, std::string_view method, response_head& head, std::string& kept) {
    kept.clear();
    kept.reserve(input.size());
    std::size_t seen = 0;
    for (const char c : input) {
        kept += c;
        const auto result = parse(kept, method, head, seen);
        if (result.status != parse_status::incomplete) return result;
        seen = kept.size();
    }
    return {};
}

struct accepted_response {
    const char* rule;
    std::string method;
    std::string input;
    std::string meaning;
};

const std::vector<accepted_response> accepted_responses = {
    {"RFC 9112 §4: status line", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [Content-Length|5]"},
    {"RFC 9112 §4: empty reason", "GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
     "200 '' 1.1 length 0 keep-alive [Content-Length|0]"},
    {"RFC 9112 §4: missing reason and its space", "GET", "HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
     "404 '' 1.1 length 0 keep-alive [Content-Length|0]"},
    {"RFC 9112 §4: reason of several words, with bytes from 0x80 on", "GET",
     "HTTP/1.1 599 \xc3\xa9 a\tb\r\nContent-Length: 0\r\n\r\n",
     "599 '\xc3\xa9 a\tb' 1.1 length 0 keep-alive [Content-Length|0]"},
    {"RFC 9110 §15: status outside the classes is passed on", "GET", "HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n",
     "999 'No' 1.1 length 0 keep-alive [Content-Length|0]"},
    {"RFC 9112 §2.2: bare LF everywhere", "GET", "HTTP/1.1 200 OK\nA: b\nContent-Length: 5\n\n",
     "200 'OK' 1.1 length 5 keep-alive [A|b] [Content-Length|5]"},
    {"RFC 9112 §2.2: line ends mixed", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [Content-Length|5]"},
    {"RFC 9112 §5.2: folded lines become blanks", "GET",
     "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\t c\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [X|a   b  \t c] [Content-Length|5]"},
    {"RFC 9112 §5.2: a fold with bare LF, and one that holds the whole value", "GET",
     "HTTP/1.1 200 OK\nContent-Length:\n 5\n\n", "200 'OK' 1.1 length 5 keep-alive [Content-Length|5]"},
    {"RFC 9112 §5.2: a folded line of blanks only", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n \r\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [Content-Length|5]"},
    {"RFC 9112 §5.1: a proxy removes blanks before the colon", "GET", "HTTP/1.1 200 OK\r\nContent-Length \t: 5\r\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [Content-Length|5]"},
    {"RFC 9112 §6.3: nothing says where the body ends", "GET", "HTTP/1.1 200 OK\r\n\r\n", "200 'OK' 1.1 until_close"},
    {"RFC 9112 §6.3: chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n",
     "200 'OK' 1.1 chunked keep-alive [Transfer-Encoding|Chunked]"},
    {"RFC 9112 §6.3: HEAD has no body", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.1 none keep-alive [Content-Length|5]"},
    {"RFC 9112 §6.3: HEAD of a chunked resource", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "200 'OK' 1.1 none keep-alive [Transfer-Encoding|chunked]"},
    {"RFC 9112 §6.3: 100 has no body", "PUT", "HTTP/1.1 100 Continue\r\n\r\n", "100 'Continue' 1.1 none keep-alive"},
    {"RFC 9112 §6.3: 101 has no body", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
     "101 'Switching Protocols' 1.1 none keep-alive [Upgrade|websocket]"},
    {"RFC 9112 §6.3: 304 has no body", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
     "304 'Not Modified' 1.1 none keep-alive [Content-Length|5]"},
    {"RFC 9112 §6.3: 204 has no body", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
     "204 'No Content' 1.1 none keep-alive [Content-Length|0]"},
    {"RFC 9110 §8.6: 204 that announces a body is not trusted with another response", "GET",
     "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 'No Content' 1.1 none [Content-Length|5]"},
    {"RFC 9112 §6.3: equal Content-Length on two lines", "GET",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [Content-Length|5] [Content-Length|5]"},
    {"RFC 9110 §8.6: list of the same number", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
     "200 'OK' 1.1 length 5 keep-alive [Content-Length|5, 5]"},
    {"RFC 9112 §9.6: close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.1 length 5 [Connection|close] [Content-Length|5]"},
    {"RFC 9112 §9.3: HTTP/1.0 closes", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.0 length 5 [Content-Length|5]"},
    {"RFC 9112 §9.3: HTTP/1.0 with keep-alive", "GET",
     "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\n",
     "200 'OK' 1.0 length 5 keep-alive [Connection|Keep-Alive] [Content-Length|5]"},
};

struct refused_response {
    const char* rule;
    std::string input;
    std::string reason;
};

const std::string ok = "HTTP/1.1 200 OK\r\n";

const std::vector<refused_response> refused_responses = {
    {"RFC 9112 §2.3: another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "start line without an HTTP version"},
    {"RFC 9112 §2.3: HTTP/2 answer", "HTTP/2.0 200 OK\r\n\r\n", "HTTP version that is not 1.0 or 1.1"},
    {"RFC 9112 §2.3: version without a minor", "HTTP/1 200 OK\r\n\r\n", "malformed HTTP version"},
    {"RFC 9112 §2.2: empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", "start line without an HTTP version"},
    {"RFC 9112 §4: status of two digits", "HTTP/1.1 20 OK\r\n\r\n", "malformed status"},
    {"RFC 9112 §4: status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "malformed status"},
    {"RFC 9112 §4: status below 100", "HTTP/1.1 099 OK\r\n\r\n", "malformed status"},
    {"RFC 9112 §4: two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n", "malformed status"},
    {"RFC 9112 §4: control byte in the reason", "HTTP/1.1 200 O\x01K\r\n\r\n", "control byte in a line"},
    {"RFC 9112 §2.2: bare CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", "bare CR"},
    {"RFC 9112 §2.2: bare CR in a value", ok + "X: a\rb\r\n\r\n", "bare CR"},
    {"RFC 9112 §2.2: blanks before the first field", ok + " X: a\r\n\r\n", "line begins with a blank"},
    {"RFC 9112 §5: line without a colon", ok + "X\r\n\r\n", "field line without a colon"},
    {"RFC 9110 §5.1: empty name", ok + ": a\r\n\r\n", "empty field name"},
    {"RFC 9110 §5.1: name that is not a token", ok + "X/y: a\r\n\r\n", "byte that is not allowed in a field name"},
    {"RFC 9110 §5.5: NUL in a value", ok + "X: a\0b\r\n\r\n"s, "control byte in a line"},
    {"RFC 9112 §6.1: Transfer-Encoding and Content-Length",
     ok + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", "both Transfer-Encoding and Content-Length"},
    {"RFC 9112 §6.1: Transfer-Encoding on 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     "Transfer-Encoding in HTTP/1.0"},
    {"RFC 9112 §6.3: last coding is not chunked", ok + "Transfer-Encoding: chunked, gzip\r\n\r\n",
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §6.1: a coding that nobody asked for", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n",
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §7.1: chunked twice", ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     "Transfer-Encoding that is not chunked"},
    {"RFC 9112 §6.3: differing Content-Length", ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
     "differing Content-Length"},
    {"RFC 9110 §8.6: list of differing numbers", ok + "Content-Length: 5, 6\r\n\r\n", "differing Content-Length"},
    {"RFC 9110 §8.6: sign", ok + "Content-Length: -5\r\n\r\n", "malformed Content-Length"},
    {"RFC 9110 §8.6: empty list member", ok + "Content-Length: 5,\r\n\r\n", "malformed Content-Length"},
};

}  // namespace

TEST_CASE("a valid response head is accepted with its meaning") {
    for (const auto& row : accepted_responses) {
        INFO(row.rule);
        response_head head;
        std::string input = row.input + "BODY";
        const auto result = parse(input, row.method, head);
        INFO(result.reason);
        REQUIRE(result.status == parse_status::done);
        CHECK(result.consumed == row.input.size());
        CHECK(describe(head) == row.meaning);
    }
}

TEST_CASE("a valid response head that arrives byte by byte means the same") {
    for (const auto& row : accepted_responses) {
        INFO(row.rule);
        response_head head;
        std::string kept;
        const auto result = feed_bytewise(row.input, row.method, head, kept);
        REQUIRE(result.status == parse_status::done);
        CHECK(result.consumed == row.input.size());
        CHECK(describe(head) == row.meaning);
    }
}

TEST_CASE("a valid response head that arrives in two pieces is complete with the second") {
    for (const auto& row : accepted_responses) {
        INFO(row.rule);
        for (std::size_t cut = 1; cut < row.input.size(); ++cut) {
            INFO("cut at " << cut);
            response_head head;
            std::string input = row.input;
            REQUIRE(parse_response_head(input.data(), cut, 0, row.method, response_limits, head).status ==
                    parse_status::incomplete);
            REQUIRE(parse(input, row.method, head, cut).status == parse_status::done);
            REQUIRE(describe(head) == row.meaning);
        }
    }
}

TEST_CASE("nothing is incomplete") {
    request_head request;
    CHECK(parse_request_head({}, 0, response_limits, request).status == parse_status::incomplete);
    response_head response;
    CHECK(parse_response_head(nullptr, 0, 0, "GET", response_limits, response).status == parse_status::incomplete);
}

TEST_CASE("an invalid response head is a bad gateway, whole or byte by byte") {
    for (const auto& row : refused_responses) {
        INFO(row.rule);
        response_head head;
        std::string input = row.input;
        const auto whole = parse(input, "GET", head);
        REQUIRE(whole.status == parse_status::invalid);
        CHECK(whole.http_status == 502);
        CHECK(whole.reason == row.reason);
        std::string kept;
        const auto pieces = feed_bytewise(row.input, "GET", head, kept);
        CHECK(pieces.status == parse_status::invalid);
        CHECK(pieces.reason == row.reason);
    }
}

TEST_CASE("a response head beyond its limits is refused, even if its end never comes") {
    http1_limits limits;
    limits.max_start_line = 100;
    limits.max_field = 200;
    limits.max_head = 1000;
    limits.max_fields = 4;
    const auto refusal = [&limits](std::string input) {
        response_head head;
        const auto result = parse_response_head(input.data(), input.size(), 0, "GET", limits, head);
        CHECK(result.http_status == (result.status == parse_status::invalid ? 502 : 0));
        return std::string(result.reason);
    };
    const std::string line = "HTTP/1.1 200 ";
    CHECK(refusal(line + std::string(100 - line.size(), 'r') + "\r\n\r\n").empty());
    CHECK(refusal(line + std::string(101 - line.size(), 'r') + "\r\n\r\n") == "start line too long");
    CHECK(refusal(line + std::string(102 - line.size(), 'r')) == "start line too long");
    CHECK(refusal(ok + "X: " + std::string(197, 'v') + "\r\n\r\n").empty());
    CHECK(refusal(ok + "X: " + std::string(198, 'v') + "\r\n\r\n") == "field too long");
    CHECK(refusal(ok + "X: " + std::string(100, 'v') + "\r\n " + std::string(100, 'v') + "\r\n\r\n") ==
          "field too long");
    CHECK(refusal(ok + "X: " + std::string(199, 'v')) == "field too long");
    CHECK(refusal(ok + "A:\r\nB:\r\nC:\r\nD:\r\n\r\n").empty());
    CHECK(refusal(ok + "A:\r\nB:\r\nC:\r\nD:\r\nE:\r\n\r\n") == "too many fields");
    limits.max_fields = 100;
    std::string many = ok;
    while (many.size() <= 1000)
        many += "X: " + std::string(100, 'v') + "\r\n";
    CHECK(refusal(many) == "head too long");
}
