#include "instatunnel/wire/request_filter.hpp"

#include <catch2/catch.hpp>

using instatunnel::wire::path_pattern;
using instatunnel::wire::status_set;

TEST_CASE("a set of statuses is read from numbers, classes, ranges and lists of them") {
    const auto set = status_set::parse("404,5xx,200-204");
    REQUIRE(set);
    for (const int status : {404, 500, 503, 599, 200, 204})
        CHECK(set->contains(status));
    for (const int status : {0, 403, 405, 499, 205, 199, 600})
        CHECK_FALSE(set->contains(status));
}

TEST_CASE("what is no set of statuses is refused") {
    for (const char* text : {"", ",", "200,", ",200", "99", "600", "0xx", "6xx", "2x", "2xxx", "ok", "200-", "-200",
                             "300-200", "200-20000000000", "+20", " 200", "200 "})
        CHECK_FALSE(status_set::parse(text));
    std::string many = "200";
    for (int i = 0; i < 40; ++i)
        many += ",200";
    CHECK_FALSE(status_set::parse(many));
}

TEST_CASE("a path without a star is a beginning") {
    const path_pattern api("/api/");
    CHECK(api.matches("/api/users"));
    CHECK(api.matches("/api/"));
    CHECK_FALSE(api.matches("/api"));
    CHECK_FALSE(api.matches("/v1/api/users"));
    CHECK(path_pattern("").matches("/anything"));
}

TEST_CASE("a star stands for any characters, and the whole path must fit") {
    CHECK(path_pattern("*.js").matches("/assets/app.js"));
    CHECK_FALSE(path_pattern("*.js").matches("/assets/app.js.map"));
    CHECK(path_pattern("/users/*/posts").matches("/users/7/posts"));
    CHECK(path_pattern("/users/*/posts").matches("/users/posts/x/posts"));
    CHECK_FALSE(path_pattern("/users/*/posts").matches("/users/7/posts/1"));
    CHECK(path_pattern("*").matches(""));
    CHECK(path_pattern("a**b*").matches("ab"));
    CHECK(path_pattern("*ab").matches("aaab"));
    CHECK_FALSE(path_pattern("*ab*c").matches("aabab"));
}
