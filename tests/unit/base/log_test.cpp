#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/log.hpp"

using namespace instatunnel;

namespace {

/// Logs into a file of its own while it lives; afterwards to standard error again.
class captured_log {
public:
    explicit captured_log(log::level threshold) {
        std::string name = (std::filesystem::temp_directory_path() / "it-log-XXXXXX").string();
        const int fd = ::mkstemp(name.data());
        REQUIRE(fd >= 0);
        ::close(fd);
        path_ = name;
        REQUIRE(log::configure(threshold, path_));
    }
    ~captured_log() {
        log::configure(log::level::warn, "");
        std::filesystem::remove(path_);
    }
    captured_log(const captured_log&) = delete;
    captured_log& operator=(const captured_log&) = delete;

    std::string text() const { return read_file(path_, 1 << 20).value(); }
    /// The text of the only line, without time and level.
    std::string line() const {
        const auto all = text();
        REQUIRE(all.find('\n') == all.size() - 1);
        const auto event = all.find(' ', all.find(' ') + 1) + 1;
        return all.substr(event, all.size() - 1 - event);
    }

private:
    std::string path_;
};

}  // namespace

TEST_CASE("a line is an event and its fields") {
    captured_log captured(log::level::info);
    log::info("lane.lost").with("session", "01J").with("lane", 0).with("bytes", 18446744073709ULL).with("delta", -5);
    CHECK(captured.line() == "lane.lost session=01J lane=0 bytes=18446744073709 delta=-5");
    CHECK(captured.text().find("Z info lane.lost") != std::string::npos);
}

TEST_CASE("a value with blanks, quotes or nothing in it is quoted") {
    captured_log captured(log::level::info);
    log::info("e").with("a", "x y").with("b", "").with("c", "k=v").with("d", "say \"hi\\\"");
    CHECK(captured.line() == "e a=\"x y\" b=\"\" c=\"k=v\" d=\"say ?hi??\"");
}

TEST_CASE("a value cannot forge a line or drive a terminal") {
    captured_log captured(log::level::info);
    log::info("e").with("path", "/\r\n2026-01-01 error fake\x1b[2J\x7f");
    CHECK(captured.line() == "e path=\"/??2026-01-01 error fake?[2J?\"");
}

TEST_CASE("a long value is cut") {
    captured_log captured(log::level::info);
    log::info("e").with("v", std::string(600, 'x'));
    CHECK(captured.line() == "e v=" + std::string(512, 'x'));
}

TEST_CASE("what is below the level is not written") {
    captured_log captured(log::level::warn);
    CHECK_FALSE(log::enabled(log::level::info));
    CHECK(log::enabled(log::level::error));
    log::debug("d");
    log::info("i").with("a", 1);
    log::error("e");
    CHECK(captured.line() == "e");
}

TEST_CASE("braces are text, not a format") {
    captured_log captured(log::level::info);
    log::write(log::level::warn, "{} {0} %s");
    CHECK(captured.line() == "{} {0} %s");
}

TEST_CASE("levels are named") {
    auto level = log::level::info;
    CHECK(log::parse_level("trace", level));
    CHECK(level == log::level::trace);
    CHECK(log::parse_level("off", level));
    CHECK(level == log::level::off);
    for (const auto* wrong : {"", "WARN", "verbose"})
        CHECK_FALSE(log::parse_level(wrong, level));
    CHECK(level == log::level::off);
}

TEST_CASE("a log file that cannot be opened is said, not thrown") {
    CHECK_FALSE(log::configure(log::level::info, "/proc/no-such-folder/log"));
}
