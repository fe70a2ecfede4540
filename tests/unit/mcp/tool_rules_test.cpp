#include "instatunnel/mcp/tool_rules.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>

using namespace instatunnel::mcp;

TEST_CASE("a glob stands for whole names") {
    CHECK(glob_matches("echo", "echo"));
    CHECK_FALSE(glob_matches("echo", "Echo"));
    CHECK_FALSE(glob_matches("echo", "echo2"));
    CHECK_FALSE(glob_matches("", "x"));
    CHECK(glob_matches("", ""));
    CHECK(glob_matches("*", ""));
    CHECK(glob_matches("get_*", "get_"));
    CHECK(glob_matches("get_*", "get_weather"));
    CHECK(glob_matches("*_file", "read_file"));
    CHECK(glob_matches("*a*b*c", "xaxbxbxc"));
    CHECK_FALSE(glob_matches("*a*b*c", "xaxbxbx"));
    CHECK(glob_matches("a?c", "abc"));
    CHECK(glob_matches("a?c",
                       "a\xC3\xA9"
                       "c"));
    CHECK_FALSE(glob_matches("a?c", "ac"));
    CHECK(glob_matches("*?c",
                       "\xC3\xA9"
                       "c"));
    CHECK_FALSE(glob_matches("[ab]", "a"));
}

TEST_CASE("many stars do not take long") {
    std::string pattern, text(5000, 'a');
    for (int i = 0; i < 100; ++i)
        pattern += "*a";
    const auto began = std::chrono::steady_clock::now();
    CHECK_FALSE(glob_matches(pattern + "b", text));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(2));
}

TEST_CASE("denied is stronger than allowed, and without a list all is allowed") {
    const tool_rules none;
    CHECK_FALSE(none.any());
    CHECK(none.permits("x"));
    const tool_rules both{{"get_*", "echo"}, {"*_secret"}};
    CHECK(both.permits("get_weather"));
    CHECK(both.permits("echo"));
    CHECK_FALSE(both.permits("get_secret"));
    CHECK_FALSE(both.permits("set_weather"));
    const tool_rules denied{{}, {"rm"}};
    CHECK(denied.permits("ls"));
    CHECK_FALSE(denied.permits("rm"));
}
