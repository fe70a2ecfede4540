#include "client/http2_section.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace instatunnel;
using client::http2_section;

namespace {

std::vector<std::string> fields_of(const http2_section& section) {
    std::vector<wire::field> fields;
    section.fields(fields);
    std::vector<std::string> shown;
    for (const auto& f : fields)
        shown.push_back(std::string(f.name) + ": " + std::string(f.value));
    return shown;
}

}  // namespace

TEST_CASE("a reply's head is its status, its length and the fields that travel on") {
    http2_section s;
    CHECK(s.add(":status", "206"));
    CHECK(s.add("content-length", "17"));
    CHECK(s.add("content-type", "text/event-stream; charset=utf-8"));
    CHECK(s.add("te", "trailers"));
    CHECK(s.add("x-empty", ""));
    CHECK(s.status() == 206);
    CHECK(s.content_length() == 17);
    CHECK(s.is_event_stream());
    CHECK(s.fault().empty());
    CHECK(fields_of(s) == std::vector<std::string>{"content-type: text/event-stream; charset=utf-8", "x-empty: "});
    s.clear();
    CHECK(s.status() == 0);
    CHECK(s.content_length() == -1);
    CHECK_FALSE(s.is_event_stream());
    CHECK(fields_of(s).empty());
}

TEST_CASE("what the tunnel has no form for is a fault") {
    const std::pair<std::string, std::string> bad[] = {{"a b", "x"},
                                                       {"x", "a\nb"},
                                                       {"x", std::string("a\0b", 3)},
                                                       {std::string(256, 'n'), "x"},
                                                       {"content-length", "12a"},
                                                       {"content-length", "99999999999999999999"}};
    for (const auto& [name, value] : bad) {
        http2_section s;
        CHECK(s.add(name, value));
        CHECK_FALSE(s.fault().empty());
    }
}

TEST_CASE("a section that is too large is a fault first and then unbearable") {
    http2_section s;
    const std::string value(4096, 'v');
    std::size_t added = 0;
    while (s.add("x", value)) {
        ++added;
        CHECK(s.fault().empty() == (added * (4096 + 1 + 32) <= 64 * 1024));
    }
    CHECK(added == 256 * 1024 / (4096 + 1 + 32));

    http2_section many;
    std::size_t fields = 0;
    while (many.add("x", "")) {
        ++fields;
        CHECK(many.fault().empty() == (fields <= 256));
    }
    CHECK(fields == 4000);
}
