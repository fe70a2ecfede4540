#include "instatunnel/mcp/json_text.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using namespace instatunnel::mcp;

namespace {

std::vector<std::string> members_of(const std::string& text) {
    std::vector<std::string> shown;
    for_each_member(text, whole(text), [&](text_span key, text_span value) {
        shown.push_back(std::string(key.of(text)) + "=" + std::string(value.of(text)));
        return true;
    });
    return shown;
}

}  // namespace

TEST_CASE("JSON is what another strict reader takes for JSON") {
    const std::string texts[] = {"{}",
                                 "[]",
                                 " {\"a\" : [1 , 2] } ",
                                 "null",
                                 "\"x\"",
                                 "-0.5e+10",
                                 "0",
                                 "1E5",
                                 "tru",
                                 "nul",
                                 "01",
                                 "1.",
                                 ".5",
                                 "-",
                                 "+1",
                                 "1e",
                                 "{,}",
                                 "[1,]",
                                 "{\"a\":1,}",
                                 "{\"a\"}",
                                 "{a:1}",
                                 "{'a':1}",
                                 "[1 2]",
                                 "\"a",
                                 "\"\\x\"",
                                 "\"\\u12G4\"",
                                 "\"\\u00e9\"",
                                 "\"\t\"",
                                 "",
                                 " ",
                                 "{}{}",
                                 "[1]x",
                                 "// c\n{}",
                                 "NaN",
                                 "Infinity",
                                 "\"\xC3\xA9\"",
                                 "\"\xC0\x80\"",
                                 "\"\xED\xA0\x80\"",
                                 "\"\xF4\x90\x80\x80\"",
                                 "\"\xF0\x9F\x98\x80\"",
                                 "\"\xE2\x82\"",
                                 "\"\xFF\"",
                                 "\"\x7F\"",
                                 "\"\\",
                                 "\"\\u",
                                 "\"\\u1",
                                 "[[[[]]]",
                                 "{\"a\":{\"b\":[{}]}}"};
    for (const auto& text : texts) {
        INFO(text);
        CHECK(is_json(text) == nlohmann::json::accept(text));
    }
}

TEST_CASE("a byte order mark is no JSON") {
    CHECK_FALSE(is_json("\xEF\xBB\xBF{}"));
}

TEST_CASE("nesting has a limit") {
    const auto nested = [](int depth) {
        const auto n = static_cast<std::size_t>(depth);
        return std::string(n, '[') + std::string(n, ']');
    };
    CHECK(is_json(nested(max_json_depth)));
    CHECK_FALSE(is_json(nested(max_json_depth + 1)));
    CHECK_FALSE(is_json(std::string(1'000'000, '[')));
}

TEST_CASE("members and elements are found where they stand") {
    CHECK(members_of(R"( { "a" : {"x":[1,2]}, "\u0062":"," } )") ==
          std::vector<std::string>{R"("a"={"x":[1,2]})", R"("\u0062"=",")"});
    CHECK(members_of("{}").empty());
    CHECK(members_of("[1]").empty());
    const std::string text = R"([1, "]", {"a":2}])";
    std::vector<std::string> elements;
    for_each_element(text, whole(text), [&](text_span e) {
        elements.emplace_back(e.of(text));
        return true;
    });
    CHECK(elements == std::vector<std::string>{"1", "\"]\"", "{\"a\":2}"});
    const std::string object = R"({"a":1,"b":{"c":3}})";
    CHECK(find_member(object, whole(object), "b")->of(object) == R"({"c":3})");
    CHECK_FALSE(find_member(object, whole(object), "c"));
}

TEST_CASE("strings mean what they mean to everyone") {
    CHECK(decode_string(R"("a\"\\\/\b\f\n\r\tz")") == "a\"\\/\b\f\n\r\tz");
    CHECK(decode_string(R"("\u0041\u00e9\u20AC\ud83d\ude00")") == "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    CHECK_FALSE(decode_string(R"("\ud83d")"));
    CHECK_FALSE(decode_string(R"("\ud83dx")"));
    CHECK_FALSE(decode_string(R"("\ud83d\u0041")"));
    CHECK_FALSE(decode_string(R"("\ude00")"));
    CHECK_FALSE(decode_string("12"));
    CHECK(decode_string(encode_string("a\"\n\x01\xC3\xA9")) == "a\"\n\x01\xC3\xA9");
    CHECK(is_json(encode_string("\xFF")));
}
