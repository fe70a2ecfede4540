#include <catch2/catch.hpp>

#include "instatunnel/base/names.hpp"
#include "instatunnel/v1/message.hpp"

using namespace instatunnel;
using namespace instatunnel::v1;

TEST_CASE("lines of one name are joined as their grammar allows") {
    CHECK(to_map({{"Accept", "a"}, {"accept", "b"}, {"Cookie", "x=1"}, {"COOKIE", "y=2"}}) ==
          field_map{{"Accept", "a, b"}, {"Cookie", "x=1; y=2"}});
}

TEST_CASE("every Set-Cookie is kept under a spelling of its own") {
    std::vector<wire::field> fields(40, {"set-cookie", "a=1, b"});
    const auto map = to_map(fields);
    REQUIRE(map.size() == 40);
    CHECK(map[0].first == "Set-Cookie");
    for (std::size_t i = 0; i < map.size(); ++i) {
        CHECK(iequals(map[i].first, "Set-Cookie"));
        for (std::size_t k = 0; k < i; ++k)
            CHECK(map[i].first != map[k].first);
    }
    std::vector<wire::field> back;
    REQUIRE(from_map(map, back));
    CHECK(back.size() == 40);
}

TEST_CASE("what concerns one hop, and the length, stay behind") {
    CHECK(to_map({{"Connection", "close"}, {"Transfer-Encoding", "chunked"}, {"Content-Length", "3"}, {"A", "1"}}) ==
          field_map{{"A", "1"}});
    std::vector<wire::field> back;
    const field_map map{
        {"Connection", "X-Mine"}, {"x-mine", "1"}, {"Upgrade", "h2c"}, {"content-length", "9"}, {"B", " 2 "}};
    REQUIRE(from_map(map, back));
    REQUIRE(back.size() == 1);
    CHECK(back[0].name == "B");
    CHECK(back[0].value == "2");
}

TEST_CASE("names and values that are not HTTP are refused") {
    std::vector<wire::field> back;
    for (const field_map& map : {field_map{{"a b", "1"}},
                                 {{"", "1"}},
                                 {{"a", "1\r\nX: y"}},
                                 {{"a", std::string("\0", 1)}},
                                 {{std::string(256, 'a'), "1"}}})
        CHECK_FALSE(from_map(map, back));
}
