#include "edge/error_page.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace instatunnel::edge;

namespace {

const error_page unreachable{502,
                             "origin_unreachable",
                             "Failed to reach local server localhost:3000",
                             "Start the local program; the tunnel itself works.",
                             "01J-7",
                             {}};

constexpr std::string_view html = "text/html; charset=utf-8";
constexpr std::string_view json = "application/json";
constexpr std::string_view plain = "text/plain; charset=utf-8";

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the form of an error page is what the visitor prefers (RFC 9110 §12.5.1)") {
    const std::vector<std::pair<const char*, std::string_view>> table = {
        // Browsers, curl, fetch libraries, MCP clients.
        {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", html},
        {"*/*", plain},
        {"", plain},
        {"application/json, text/plain, */*", json},
        {"application/json, text/event-stream", json},
        {"text/event-stream", plain},
        {"image/*", plain},
        {"text/plain", plain},
        // Order decides among equals, quality before it.
        {"application/json, text/html", json},
        {"text/html, application/json", html},
        {"text/html;q=0.5, application/json", json},
        {"application/json;q=0.9, text/html;q=0.95", html},
        {"application/json;q=0, text/html;q=0.001", html},
        {"application/json;q=0", plain},
        {"application/json;q=0.0000", plain},
        {"text/html;q=0.3;level=1,application/json ; charset=utf-8 ; Q=0.4", json},
        // Structured suffixes, case, and what is not a media type.
        {"application/problem+json", json},
        {"application/vnd.api+JSON", json},
        {"TEXT/HTML", html},
        {"+json", plain},
        {"application/jsonp", plain},
        {"application/json;q=x", json},
        {",,;,;;q=,=", plain},
    };
    for (const auto& [accept, expected] : table) {
        INFO(accept);
        CHECK(render(unreachable, accept).content_type == expected);
    }
}

TEST_CASE("a JSON error has the shape of the API's errors") {
    CHECK(render(unreachable, "application/json").body ==
          "{\"error\":\"origin_unreachable\",\"message\":\"Failed to reach local server localhost:3000\","
          "\"code\":5002,\"request_id\":\"01J-7\"}\n");
    CHECK(holds(render({404, "no_such_tunnel", "m", "", ""}, "application/json").body, "\"code\":4004,"));
    CHECK(holds(render({431, "head_too_large", "m", "", ""}, "application/json").body, "\"code\":4031,"));
    CHECK(holds(render({503, "busy", "m", "", ""}, "application/json").body, "\"code\":5003,"));
}

TEST_CASE("a plain error is the message, what to do, and what to quote") {
    CHECK(render(unreachable, "*/*").body ==
          "Failed to reach local server localhost:3000\n"
          "Start the local program; the tunnel itself works.\n"
          "\n"
          "Error: origin_unreachable (502 Bad Gateway)\n"
          "Request: 01J-7\n");
    CHECK(render({413, "body_too_large", "The request body is too large", "", ""}, "").body ==
          "The request body is too large\n\nError: body_too_large (413 Content Too Large)\n");
}

TEST_CASE("an HTML error says it all, in one file, without scripts, light and dark") {
    const auto page = render(unreachable, "text/html").body;
    CHECK(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
    CHECK(holds(page, "<title>502 Bad Gateway</title>"));
    CHECK(holds(page, "<h1>Failed to reach local server localhost:3000</h1>"));
    CHECK(holds(page, "Start the local program; the tunnel itself works."));
    CHECK(holds(page, "<code>origin_unreachable</code>"));
    CHECK(holds(page, "<code>01J-7</code>"));
    CHECK(holds(page, "prefers-color-scheme: dark"));
    CHECK(holds(page, "default-src 'none'"));
    for (const auto* outside : {"<script", "<link", "<img", "src=", "href=", "url(", "://"}) {
        INFO(outside);
        CHECK_FALSE(holds(page, outside));
    }
    CHECK(page.size() < 3000);
}

TEST_CASE("an HTML error leaves out what it does not know") {
    const auto page = render({404, "no_such_tunnel", "m", "", ""}, "text/html").body;
    CHECK_FALSE(holds(page, "<p></p>"));
    CHECK_FALSE(holds(page, "request <code>"));
}

TEST_CASE("text from the network cannot break out of an error page") {
    const error_page hostile{502, "a<b", "</h1><script>alert('x')</script>\"", "<i>&</i>", "\"><b>"};
    const auto page = render(hostile, "text/html").body;
    CHECK(holds(page, "<h1>&lt;/h1&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;</h1>"));
    CHECK(holds(page, "<p>&lt;i&gt;&amp;&lt;/i&gt;</p>"));
    CHECK(holds(page, "<code>a&lt;b</code>"));
    CHECK(holds(page, "<code>&quot;&gt;&lt;b&gt;</code>"));

    const error_page bytes{502, "e", "a\"b\\c\n\x01\xff", "", ""};
    CHECK(render(bytes, "application/json").body ==
          "{\"error\":\"e\",\"message\":\"a\\\"b\\\\c\\n\\u0001\xef\xbf\xbd\",\"code\":5002,\"request_id\":\"\"}\n");
}

TEST_CASE("a page that tells of a limit says whom to ask, and the text cannot leave its place") {
    error_page page = unreachable;
    page.support = "https://help.example.com/?a=1&b=\"><script>";
    const auto in_html = render(page, "text/html").body;
    CHECK(holds(in_html,
                "<a rel=\"noopener noreferrer\" href=\"https://help.example.com/?a=1&amp;b=&quot;&gt;&lt;script"));
    CHECK_FALSE(holds(in_html, "<script>"));
    CHECK(holds(render(page, "application/json").body, R"("support":"https://help.example.com/?a=1&b=\"><script>")"));
    CHECK(holds(render(page, "").body, "\nContact: https://help.example.com/?a=1&b=\"><script>\n"));
    page.support = "javascript://x";
    CHECK_FALSE(holds(render(page, "text/html").body, "href"));
    CHECK_FALSE(holds(render(unreachable, "text/html").body, "Contact"));
    CHECK_FALSE(holds(render(unreachable, "application/json").body, "support"));
}
