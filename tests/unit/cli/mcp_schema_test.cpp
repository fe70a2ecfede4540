#include "cli/mcp_schema.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace instatunnel::cli;

namespace {

nlohmann::json example() {
    auto properties = nlohmann::json::object();
    properties["name"] = schema::text("", 5);
    properties["count"] = schema::integer("", 1, 10);
    properties["way"] = schema::word("", nlohmann::json::parse(R"(["up","down"])"));
    properties["list"] = schema::texts("", 2);
    properties["any"] = schema::map("", nlohmann::json::object(), 2);
    properties["texts"] = schema::map("", nlohmann::json::parse(R"({"type":"string"})"), 2);
    return schema::object(properties, nlohmann::json::parse(R"(["name"])"));
}

std::string told(const char* value) {
    return schema::fault_of(nlohmann::json::parse(value), example(), "the arguments").value_or("");
}

}  // namespace

TEST_CASE("arguments that fit have no fault") {
    for (const auto* good :
         {R"({"name":"abc"})", R"({"name":"grüße"})", R"({"name":"","count":10,"way":"up","list":["a","b"]})",
          R"({"name":"a","any":{"x":[1,{}],"y":null},"texts":{"x":"y"}})"})
        CHECK(told(good).empty());
}

TEST_CASE("arguments that do not fit are told by name") {
    const std::pair<const char*, const char*> bad[] = {
        {R"([])", "the arguments must be an object"},
        {R"({})", "`name` is missing in the arguments"},
        {R"({"name":null})", "`name` must be a text"},
        {R"({"name":"abcdef"})", "`name` is longer than 5 characters"},
        {R"({"name":"a","Name":"b"})",
         "`Name` is not known in the arguments, which may have: any, count, list, name, "},
        {R"({"name":"a","count":0})", "`count` must be a whole number from 1 to 10"},
        {R"({"name":"a","count":11})", "`count` must be"},
        {R"({"name":"a","count":2.5})", "`count` must be"},
        {R"({"name":"a","count":"2"})", "`count` must be"},
        {R"({"name":"a","count":true})", "`count` must be"},
        {R"({"name":"a","count":18446744073709551615})", "`count` must be"},
        {R"({"name":"a","count":1e300})", "`count` must be"},
        {R"({"name":"a","way":"left"})", "`way` must be one of up, down"},
        {R"({"name":"a","list":"b"})", "`list` must be a list of texts"},
        {R"({"name":"a","list":["b",1]})", "each item of `list` must be a text"},
        {R"({"name":"a","list":["b","c","d"]})", "`list` has more than 2 items"},
        {R"({"name":"a","any":[]})", "`any` must be an object"},
        {R"({"name":"a","any":{"a":1,"b":2,"c":3}})", "`any` has more than 2 members"},
        {R"({"name":"a","texts":{"x":1}})", "`x` in `texts` must be a text"},
    };
    for (const auto& [value, fault] : bad)
        CHECK_THAT(told(value), Catch::StartsWith(fault));
}
