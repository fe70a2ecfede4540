#include "edge/forwarding.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace instatunnel;
using namespace instatunnel::edge;

namespace {

const arrival from_v4{"203.0.113.7", "203.0.113.7", "443"};

// Fields of a request that travel on, without the ones that the edge adds behind them.
std::string forwarded(const std::string& lines) {
    const std::string text = "GET / HTTP/1.1\r\nHost: demo.example.com\r\n" + lines + "\r\n";
    wire::request_head head;
    const auto parsed = wire::parse_request_head(text, 0, {}, head);
    INFO(text << parsed.reason);
    REQUIRE(parsed.status == wire::parse_status::done);
    std::string scratch;
    std::vector<wire::field> out;
    forward_request_fields(head, from_v4, scratch, out);
    std::string all;
    for (const auto& f : out)
        all.append(f.name).append(": ").append(f.value).append("\n");
    const std::string ours =
        "X-Forwarded-For: 203.0.113.7\nX-Forwarded-Proto: https\nX-Forwarded-Host: demo.example.com\n"
        "X-Forwarded-Port: 443\nForwarded: for=203.0.113.7;host=\"demo.example.com\";proto=https\n";
    REQUIRE(all.ends_with(ours));
    all.erase(all.size() - ours.size());
    return all;
}

wire::itp::reply_head reply(std::uint16_t status, std::int64_t length = -1, std::vector<wire::field> fields = {}) {
    return {status, length, std::move(fields)};
}

std::string head_text(const wire::itp::reply_head& head, const reply_plan& plan = {}) {
    std::string out;
    append_reply_head(out, head, plan, choose_framing(head, plan), "example.com");
    return out;
}

}  // namespace

TEST_CASE("an authority names a host without port, in lower case, without the root's dot") {
    const std::pair<const char*, const char*> table[] = {{"demo.example.com", "demo.example.com"},
                                                         {"DEMO.Example.COM:8443", "demo.example.com"},
                                                         {"demo.example.com.", "demo.example.com"},
                                                         {"demo.example.com.:443", "demo.example.com"},
                                                         {"[2001:DB8::1]:443", "2001:db8::1"},
                                                         {"[::1]", "::1"},
                                                         {"[::1", ""},
                                                         {"", ""},
                                                         {":443", ""},
                                                         {".", "."}};
    std::string buffer = "old";
    for (const auto& [authority, host] : table) {
        INFO(authority);
        CHECK(host_of_authority(authority, buffer) == host);
    }
}

TEST_CASE("an arrival is written as X-Forwarded-For and as RFC 7239 want it") {
    net::peer_name v6;
    v6.address = "2001:db8::7";
    v6.family = 6;
    CHECK(make_arrival(v6, 8443).forwarded_for == "2001:db8::7");
    CHECK(make_arrival(v6, 8443).forwarded_node == "\"[2001:db8::7]\"");
    CHECK(make_arrival(v6, 8443).port == "8443");
    CHECK(make_arrival({}, 443).forwarded_for == "unknown");
}

TEST_CASE("fields travel on unchanged and in order") {
    CHECK(forwarded("Accept: */*\r\ncOOkie: a=1\r\nX-Own:\r\nCookie: b=2\r\n") ==
          "Accept: */*\ncOOkie: a=1\nX-Own: \nCookie: b=2\n");
}

TEST_CASE("what a visitor says about forwarding is replaced") {
    CHECK(
        forwarded(
            "X-Forwarded-For: 1.2.3.4\r\nx-forwarded-proto: http\r\nX-FORWARDED-Host: evil\r\nX-Forwarded-Port: 1\r\n"
            "X-Forwarded-Anything: x\r\nForwarded: for=1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nX-Instatunnel-Error: x\r\n") ==
        "");
    CHECK(forwarded("X-Forwarded: kept\r\nX-Forwards: kept\r\nFor: kept\r\n") ==
          "X-Forwarded: kept\nX-Forwards: kept\nFor: kept\n");
}

TEST_CASE("fields of the connection end at the edge, and those that Connection names") {
    CHECK(forwarded(
              "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\nTrailer: X\r\nProxy-Connection: x\r\n"
              "Accept: a\r\n") == "Accept: a\n");
    CHECK(forwarded("Connection: close, X-Secret ,x-other\r\nX-Secret: 1\r\nx-OTHER: 2\r\nX-Kept: 3\r\n") ==
          "X-Kept: 3\n");
    CHECK(forwarded("Connection: close\r\nX-A: 1\r\nConnection: x-a\r\n") == "");
    CHECK(forwarded("Connection: x-a\r\nX-A: 1\r\nConnection: close\r\n") == "");
    CHECK(forwarded("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n") ==
          "Sec-WebSocket-Key: k\n");
    CHECK(forwarded("Content-Length: 5\r\n") == "");
    CHECK(forwarded("Transfer-Encoding: chunked\r\n") == "");
}

TEST_CASE("whatever request the edge accepts, the client accepts its OPEN") {
    // Else one visitor could end the tunnel for everybody.
    const std::string long_name(300, 'n');
    const std::string requests[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /\xc3\xa4\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n",
        "!#$%&'*+-.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n",
        std::string(300, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \xff\"\\\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + long_name + ": v\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: \t\x80\xff \r\n!: v\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: " + std::string(300, 'u') + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
        "GET /" + std::string(16'000, 'p') + " HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    int accepted = 0;
    for (const auto& text : requests) {
        INFO(text.substr(0, 100));
        wire::request_head head;
        if (wire::parse_request_head(text, 0, {}, head).status != wire::parse_status::done) continue;
        ++accepted;
        wire::itp::open_head open, received;
        open.method = head.method;
        open.authority = head.authority;
        open.path = head.path;
        open.protocol = head.upgrade;
        open.content_length =
            head.body == wire::body_kind::length ? static_cast<std::int64_t>(head.content_length) : -1;
        std::string scratch, payload;
        forward_request_fields(head, from_v4, scratch, open.fields);
        wire::itp::encode_open(payload, open);
        CHECK(wire::itp::decode_open(payload, received));
        CHECK(received.fields.size() == open.fields.size());
    }
    CHECK(accepted >= 10);
}

TEST_CASE("the framing of a reply follows what is known about its body") {
    struct row {
        int status;
        std::int64_t length;
        bool http10, head, ended;
        reply_framing expected;
    };
    using enum reply_framing;
    for (const auto& r : {row{200, -1, false, false, false, chunked}, row{200, -1, true, false, false, close},
                          row{200, 5, false, false, false, reply_framing::length},
                          row{200, 0, false, false, false, reply_framing::length},
                          row{200, 5, true, false, false, reply_framing::length},
                          row{200, -1, false, false, true, reply_framing::length}, row{200, 5, false, true, true, none},
                          row{200, -1, false, true, true, none}, row{204, -1, false, false, true, none},
                          row{304, 5, false, false, true, none}, row{101, -1, false, false, false, none},
                          row{103, -1, false, false, false, none}, row{500, -1, false, false, false, chunked}}) {
        INFO(r.status << " length " << r.length << (r.http10 ? " 1.0" : "") << (r.head ? " HEAD" : "")
                      << (r.ended ? " ended" : ""));
        reply_plan plan;
        plan.visitor_is_http10 = r.http10;
        plan.head_request = r.head;
        plan.ended = r.ended;
        CHECK(choose_framing(reply(static_cast<std::uint16_t>(r.status), r.length), plan) == r.expected);
    }
}

TEST_CASE("reply heads carry exactly one framing, the edge's") {
    reply_plan ended, head_request, http10, last;
    ended.ended = true;
    head_request.head_request = true;
    http10.visitor_is_http10 = true;
    last.keep_alive = false;
    CHECK(head_text(reply(200, 5, {{"content-length", "99"}, {"X-A", "1"}})) ==
          "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\n");
    CHECK(head_text(reply(200)) == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(head_text(reply(404), ended) == "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    CHECK(head_text(reply(200, 7), head_request) == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
    CHECK(head_text(reply(200), head_request) == "HTTP/1.1 200 OK\r\n\r\n");
    CHECK(head_text(reply(304, 7), ended) == "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
    CHECK(head_text(reply(204, 0), ended) == "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(head_text(reply(200), http10) == "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
    CHECK(head_text(reply(200, 5), last) == "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
}

TEST_CASE("a cookie for the base domain does not pass, every other one does") {
    const auto text = head_text(reply(200, 0,
                                      {{"Set-Cookie", "a=1; Domain=example.com"},
                                       {"set-cookie", "b=2; Path=/; DOMAIN = .Example.COM ; Secure"},
                                       {"Set-Cookie", "c=3; domain=demo.example.com; domain=example.com."},
                                       {"Set-Cookie", "d=4"},
                                       {"Set-Cookie", "e=5; Domain=demo.example.com"},
                                       {"Set-Cookie", "domain=example.com"},
                                       {"Set-Cookie", "f=6; Domain=other-example.com"}}));
    CHECK(text ==
          "HTTP/1.1 200 OK\r\nSet-Cookie: d=4\r\nSet-Cookie: e=5; Domain=demo.example.com\r\n"
          "Set-Cookie: domain=example.com\r\nSet-Cookie: f=6; Domain=other-example.com\r\nContent-Length: 0\r\n\r\n");
    for (const char* far :
         {"a=1; Domain=t.example.com", "a=1; Domain=example.com", "a=1; Domain=com", "a=1; domain=..t.example.com",
          "a=1; Domain=\"t.example.com\"", "a=1; DOMAIN\t=\t.T.EXAMPLE.COM.", "a=1;domain='.example.com'",
          "a=1; Domain=x.t.example.com; Domain=example.com", "__Host-a=1; Secure; Path=/; Domain=t.example.com",
          "; Domain=t.example.com", "a=1; Path=\"/;Domain=t.example.com\""})
        CHECK(sets_cookie_for(far, "t.example.com"));
    for (const char* near :
         {"__Host-a=1; Secure; Path=/", "a=1; Domain=demo.t.example.com", "a=1; Domain=.demo.t.example.com",
          "a=1; Domain=ample.com", "a=1; Domain=xt.example.com", "a=1; Domains=example.com",
          "a=\"Domain=t.example.com\"", "a=1; Domain=\"", "a=1; Domain=."})
        CHECK_FALSE(sets_cookie_for(near, "t.example.com"));
    for (const char* odd : {"", ";", ";;;", "a=1;domain", "a=1; domain=", "a=1; domain=.", "a; =example.com"})
        CHECK_FALSE(sets_cookie_for(odd, "example.com"));
}

TEST_CASE("interim heads and upgrades have no body framing") {
    std::string out;
    append_interim_head(out, reply(103, -1, {{"Link", "</a>"}, {"Content-Length", "5"}}), {}, "t.example.com");
    CHECK(out == "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    out.clear();
    append_interim_head(out, reply(101, -1, {{"Sec-WebSocket-Accept", "x"}}), "websocket", "t.example.com");
    CHECK(out ==
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
          "x\r\n\r\n");
}

TEST_CASE("trailers that decide about framing, routing or identity do not travel") {
    for (const char* name : {"Transfer-Encoding", "content-length", "Host", "Authorization", "Cookie", "Set-Cookie",
                             "Trailer", "X-Forwarded-For", "Forwarded", "X-Real-IP", "Connection", "TE"})
        CHECK_FALSE(may_be_trailer(name));
    for (const char* name : {"x-checksum", "grpc-status", "Server-Timing", "ETag"})
        CHECK(may_be_trailer(name));
}
