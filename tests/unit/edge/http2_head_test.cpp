#include "edge/http2_head.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

using namespace instatunnel;
using namespace instatunnel::edge;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;
using verdict = http2_head::verdict;

const wire::http1_limits limits;
const http2_limits bounds;

pairs request(const std::string& path = "/", const pairs& more = {}) {
    pairs all{{":method", "GET"}, {":scheme", "https"}, {":authority", "demo.example.com"}, {":path", path}};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

struct judged {
    http2_head section;
    wire::request_head head;
    verdict said = verdict::good;
};

void judge(judged& j, const pairs& fields, bool ended = true) {
    for (const auto& [name, value] : fields) {
        j.said = j.section.add(name, value, limits, bounds);
        if (j.said == verdict::hostile) return;
    }
    j.said = j.section.finish(ended, limits, j.head);
}

int status_of(const pairs& fields) {
    judged j;
    judge(j, fields);
    return j.said == verdict::good ? 200 : j.section.status();
}

std::string fields_of(const wire::request_head& head) {
    std::string all;
    for (const auto& f : head.fields)
        all.append(f.name).append("=").append(f.value).append(";");
    return all;
}

}  // namespace

TEST_CASE("a field section becomes the head that HTTP/1 would have given") {
    judged j;
    judge(j, request("/a?b=c", {{"accept", "*/*"}, {"x-mine", "1"}}));
    REQUIRE(j.said == verdict::good);
    CHECK(j.head.method == "GET");
    CHECK(j.head.path == "/a?b=c");
    CHECK(j.head.authority == "demo.example.com");
    CHECK(fields_of(j.head) == "accept=*/*;x-mine=1;");
    CHECK(j.head.body == wire::body_kind::none);
    CHECK(j.head.upgrade.empty());
}

TEST_CASE("a body has the length that is told, or an unknown one") {
    judged told, untold;
    judge(told, request("/", {{"content-length", "17"}}), /*ended=*/false);
    judge(untold, request(), /*ended=*/false);
    CHECK(told.head.body == wire::body_kind::length);
    CHECK(told.head.content_length == 17);
    CHECK(untold.head.body == wire::body_kind::chunked);
}

TEST_CASE("crumbs of a cookie become one line where the first one stood") {
    judged j;
    judge(j, request("/", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}));
    CHECK(fields_of(j.head) == "cookie=a=1; b=2;x=y;");
}

TEST_CASE("Host stands in for the authority and may not differ from it") {
    judged j;
    judge(j, {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "demo.example.com:8443"}});
    CHECK(j.said == verdict::good);
    CHECK(j.head.authority == "demo.example.com:8443");
    CHECK(status_of(request("/", {{"host", "DEMO.example.com"}})) == 200);
    CHECK(status_of(request("/", {{"host", "other.example.com"}})) == 400);
}

TEST_CASE("extended CONNECT becomes an upgrade, plain CONNECT is refused") {
    judged j;
    judge(j,
          {{":method", "CONNECT"},
           {":protocol", "websocket"},
           {":scheme", "https"},
           {":authority", "demo.example.com"},
           {":path", "/chat"}},
          /*ended=*/false);
    REQUIRE(j.said == verdict::good);
    CHECK(j.section.is_connect());
    CHECK(j.head.method == "GET");
    CHECK(j.head.upgrade == "websocket");
    CHECK(j.head.body == wire::body_kind::none);
    CHECK(status_of({{":method", "CONNECT"}, {":authority", "demo.example.com"}}) == 501);
}

TEST_CASE("what the parser of HTTP/1 refuses is refused in a field section too") {
    CHECK(status_of(request("index.html")) == 400);
    CHECK(status_of(request("/a b")) == 400);
    CHECK(status_of(request("/a#b")) == 400);
    CHECK(status_of(request("/\xc3\xa9")) == 400);
    CHECK(status_of(request("*")) == 400);
    CHECK(status_of({{":method", "OPTIONS"}, {":scheme", "https"}, {":authority", "a"}, {":path", "*"}}) == 200);
    CHECK(status_of({{":method", "GE T"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}) == 400);
    CHECK(status_of({{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}}) == 400);
    CHECK(status_of({{":method", "GET"}, {":scheme", "https"}, {":authority", "u@a"}, {":path", "/"}}) == 400);
    CHECK(status_of({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}) == 400);
    CHECK(status_of(request("/", {{"x bad", "1"}})) == 400);
    CHECK(status_of(request("/", {{"x", "a\r\nb: c"}})) == 400);
    CHECK(status_of(request("/", {{"content-length", "18446744073709551615"}})) == 400);
}

TEST_CASE("a field section is bounded like a head") {
    CHECK(status_of(request("/" + std::string(limits.max_start_line, 'p'))) == 414);
    CHECK(status_of(request("/", {{"x", std::string(limits.max_field, 'v')}})) == 431);
    pairs many, large;
    for (std::size_t i = 0; i <= limits.max_fields; ++i)
        many.emplace_back("x" + std::to_string(i), "v");
    for (int i = 0; i < 10; ++i)
        large.emplace_back("x", std::string(7000, 'v'));
    CHECK(status_of(request("/", many)) == 431);
    CHECK(status_of(request("/", large)) == 431);
    many.pop_back();
    CHECK(status_of(request("/", many)) == 200);
}

TEST_CASE("a field section that goes on far beyond the limit is hostile, and not kept meanwhile") {
    judged j;
    judge(j, request("/", pairs(200, {"x-bomb", std::string(4000, 'b')})));
    CHECK(j.said == verdict::hostile);
    judged small;
    judge(small, request("/", pairs(2000, {"x", ""})));
    CHECK(small.said == verdict::hostile);
}

TEST_CASE("trailers are those fields that are valid") {
    http2_head section;
    section.add("x-sum", "1", limits, bounds);
    section.add("x bad", "2", limits, bounds);
    std::vector<wire::field> out;
    section.trailers(out);
    REQUIRE(out.size() == 1);
    CHECK(out.front().name == "x-sum");
}
