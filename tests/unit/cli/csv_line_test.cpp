#include "cli/csv_line.hpp"

#include "catch_outcome.hpp"

using namespace instatunnel::cli;

TEST_CASE("cells of a CSV line are quoted where they must be") {
    CHECK(csv_line({"a", "", "b"}) == "a,,b");
    CHECK(csv_line({"a,b", "say \"x\"", "two words"}) == "\"a,b\",\"say \"\"x\"\"\",\"two words\"");
    CHECK(csv_line({"a\r\nb\t"}) == "a??b?");
    CHECK(csv_line({R"({"name":"ci"})"}) == R"("{""name"":""ci""}")");
}

TEST_CASE("no cell of a CSV line is a formula") {
    CHECK(csv_line({"=1+2"}) == "\"'=1+2\"");
    CHECK(csv_line({"+1", "-1", "@x"}) == "\"'+1\",\"'-1\",\"'@x\"");
    CHECK(csv_line({"a=1"}) == "a=1");
}
