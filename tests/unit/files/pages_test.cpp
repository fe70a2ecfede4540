#include "files/pages.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace instatunnel::files;
using instatunnel::wire::page_form;

namespace {

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

listed_entry entry(std::string name, bool is_directory = false, std::uint64_t size = 1500) {
    return {std::move(name), is_directory, size, std::chrono::sys_days(std::chrono::year(2026) / 11 / 29)};
}

}  // namespace

TEST_CASE("directories come first, names without regard to case") {
    std::vector<listed_entry> entries{entry("b"),       entry("C"), entry("a"),
                                      entry("z", true), entry("B"), entry("Y", true)};
    sort_entries(entries);
    std::string order;
    for (const auto& e : entries)
        order += e.name;
    CHECK(order == "YzaBbC");
}

TEST_CASE("a listing names what is there with size and time") {
    const auto html = render_listing({"docs", {entry("sub", true), entry("a.txt")}, false}, page_form::html).body;
    CHECK(has(html, "<title>Index of /docs/</title>"));
    CHECK(has(html, "<a href=\"./sub/\"><bdi>sub</bdi>/</a>"));
    CHECK(has(html, "<a href=\"./a.txt\"><bdi>a.txt</bdi></a></td><td>1.5 kB</td>"));
    CHECK(has(html, "<time datetime=\"2026-11-29T00:00:00Z\">2026-11-29 00:00</time>"));
    CHECK(has(html, "<a href=\"../\">Parent directory</a>"));
    CHECK_FALSE(has(html, "<script"));
    CHECK_FALSE(has(html, "entries are listed"));
}

TEST_CASE("the top of the listing leads nowhere further up") {
    const auto html = render_listing({"", {}, false}, page_form::plain);
    CHECK(html.content_type == "text/html; charset=utf-8");
    CHECK_FALSE(has(html.body, "../"));
    CHECK(has(html.body, "There is nothing here"));
}

TEST_CASE("a listing is JSON for programs") {
    const auto listed = render_listing({"docs", {entry("sub", true), entry("a b.txt")}, true}, page_form::json);
    CHECK(listed.content_type == "application/json");
    const auto json = nlohmann::json::parse(listed.body);
    CHECK(json["path"] == "/docs/");
    CHECK(json["truncated"] == true);
    CHECK(json["entries"][0]["type"] == "directory");
    CHECK_FALSE(json["entries"][0].contains("size"));
    CHECK(json["entries"][1] == nlohmann::json{{"name", "a b.txt"},
                                               {"type", "file"},
                                               {"size", 1500},
                                               {"modified", "2026-11-29T00:00:00Z"},
                                               {"href", "./a%20b.txt"}});
}

TEST_CASE("whatever a name holds, it stays a name") {
    const std::string hostile = "\"><script>alert(1)</script>&.txt";
    const auto html =
        render_listing({hostile, {entry(hostile), entry("javascript:alert(1)"), entry("\xff\x01x")}, true},
                       page_form::html)
            .body;
    CHECK_FALSE(has(html, "<script"));
    CHECK_FALSE(has(html, "href=\"javascript"));
    CHECK(has(html, "href=\"./javascript%3Aalert%281%29\""));
    CHECK(has(html, "href=\"./%FF%01x\"><bdi>\xef\xbf\xbd?x</bdi>"));
    CHECK(has(html, "Only 3 entries are listed"));
    const auto json = nlohmann::json::parse(render_listing({"", {entry("\xff")}, false}, page_form::json).body);
    CHECK(json["entries"][0]["href"] == "./%FF");
}

TEST_CASE("a problem is told in the form that was asked for") {
    CHECK(render_problem(404, "There is no such file here", page_form::plain).body == "There is no such file here.\n");
    const auto json = nlohmann::json::parse(render_problem(404, "No", page_form::json).body);
    CHECK(json["code"] == 4004);
    CHECK(has(render_problem(403, "No", page_form::html).body, "<h1>403 Forbidden</h1>"));
}

TEST_CASE("the pages' policy allows their own style and nothing else") {
    CHECK(page_policy().starts_with("default-src 'none'; img-src data:; style-src 'sha256-"));
    CHECK_FALSE(has(page_policy(), "unsafe"));
}
