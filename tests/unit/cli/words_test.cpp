#include <catch2/catch.hpp>

#include "cli/duration.hpp"
#include "cli/json_line.hpp"
#include "cli/nearest.hpp"
#include "cli/terminal.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using namespace std::chrono_literals;

TEST_CASE("the nearest word is the one with the fewest edits") {
    const std::vector<std::string> words = {"login", "logout", "ls", "kill", "status"};
    CHECK(nearest("lgoin", words) == "login");
    CHECK(nearest("logot", words) == "logout");
    CHECK(nearest("kil", words) == "kill");
    CHECK(nearest("stat", words) == "status");
    CHECK(nearest("l", words) == "ls");
    CHECK(nearest("zzzz", words).empty());
    CHECK(nearest("", words).empty());
    CHECK(nearest(std::string(1000, 'a'), words).empty());
}

TEST_CASE("times are a number and a unit") {
    CHECK(parse_duration("500ms") == 500ms);
    CHECK(parse_duration("30s") == 30s);
    CHECK(parse_duration("30") == 30s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h") == 1h);
    CHECK(parse_duration("1d") == 24h);
    CHECK(parse_duration("0") == 0s);
    CHECK(parse_duration("30d", std::chrono::days(30)) == 720h);
    CHECK_FALSE(parse_duration("31d", std::chrono::days(30)));
    CHECK_FALSE(parse_duration("9223372036854775807d", std::chrono::days(30)));
    for (const char* wrong : {"", "s", "-1s", "2d", "1y", "1.5s", "1 s", "25h", "99999999999999999999s", "86400001ms"})
        CHECK_FALSE(parse_duration(wrong).has_value());
}

TEST_CASE("a JSON line keeps the order and survives any bytes") {
    CHECK(json_line("e").with("a", 1).with("b", true).with("c", "x\"\n\x1b").text() ==
          R"({"event":"e","a":1,"b":true,"c":"x\"\n\u001b"})");
    CHECK(json_line("e").with("n", std::optional<std::string>()).text() == R"({"event":"e","n":null})");
    CHECK(json_line("e").with("bad", "\xff").text() == "{\"event\":\"e\",\"bad\":\"\xEF\xBF\xBD\"}");
    CHECK(json_line("e").with("n", std::optional<std::uint64_t>()).with("m", std::optional<std::uint64_t>(7)).text() ==
          R"({"event":"e","n":null,"m":7})");
    CHECK(json_line("e").with_object("o", json_line::object().with("i", 1)).text() == R"({"event":"e","o":{"i":1}})");
    const std::vector<std::string> list = {"x", "y"};
    CHECK(json_line("e").with("l", std::span(list)).text() == R"({"event":"e","l":["x","y"]})");
    const std::vector<json_line> objects = {json_line::object().with("i", 1)};
    CHECK(json_line("e").with_objects("o", objects).text() == R"({"event":"e","o":[{"i":1}]})");
}

TEST_CASE("text from elsewhere cannot drive the terminal") {
    CHECK(printable("plain äöü") == "plain äöü");
    CHECK(printable("a\x1b[31mb\r\n\x7f") == "a?[31mb???");
    CHECK(printable("a\xC2\x9B"
                    "2J\xC2\xA0") == "a?2J\xC2\xA0");
}
