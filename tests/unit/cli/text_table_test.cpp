#include "cli/text_table.hpp"

#include <catch2/catch.hpp>

using instatunnel::cli::text_table;

TEST_CASE("columns are as wide as their widest cell, counted in characters") {
    text_table table({"ID", "NAME", "END"});
    table.add({"1", "Bücher", "x"});
    table.add({"22", "a", ""});
    CHECK(table.lines() == std::vector<std::string>{"ID  NAME    END", "1   Bücher  x", "22  a"});
}

TEST_CASE("cells cannot steer the terminal") {
    text_table table({"NAME"});
    table.add({"a\x1b[2Jb\nc"});
    CHECK(table.lines()[1] == "a?[2Jb?c");
}
