#include "cli/recorded_json.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel;
using namespace std::string_literals;
using cli::recorded_row;
using cli::recorded_whole;
using client::recorded;

namespace {

recorded example_request() {
    recorded r;
    r.number = 7;
    r.tunnel = "demo";
    r.method = "POST";
    r.authority = "demo.example.com";
    r.path = "/hook";
    r.fields = {{"X-A", "1"}, {"X-A", "2"}};
    r.started = std::chrono::system_clock::from_time_t(1'700'000'000) + std::chrono::milliseconds(42);
    return r;
}

nlohmann::json body_shown(std::string bytes, std::size_t limit = 1000, std::uint64_t more = 0) {
    auto r = example_request();
    r.body.size = bytes.size() + more;
    r.body.bytes = std::move(bytes);
    return recorded_whole(r, limit)["request"]["body"];
}

}  // namespace

TEST_CASE("a request under way has no status yet, and one that is over says how") {
    auto r = example_request();
    auto row = recorded_row(r);
    CHECK(row["id"] == "req_7");
    CHECK(row["state"] == "open");
    CHECK(row["started"] == "2023-11-14T22:13:20.042Z");
    CHECK_FALSE(row.contains("status"));
    CHECK_FALSE(recorded_whole(r, 10).contains("reply"));
    CHECK(recorded_whole(r, 10)["request"]["incomplete"] == true);
    CHECK(recorded_whole(r, 10)["request"]["fields"] == nlohmann::json::parse(R"([["X-A","1"],["X-A","2"]])"));
    r.request_ended = true;
    r.status = 502;
    r.how = recorded::stage::cut;
    r.fault = "origin_reset";
    r.replay_of = 3;
    r.ended = std::chrono::microseconds(1500);
    const auto whole = recorded_whole(r, 10);
    CHECK(whole["state"] == "cut");
    CHECK(whole["cut_by"] == "app");
    CHECK(whole["fault"] == "origin_reset");
    CHECK(whole["replay_of"] == "req_3");
    CHECK(whole["took_ms"] == 1.5);
    CHECK(whole["reply"]["status"] == 502);
    CHECK_FALSE(whole["request"].contains("incomplete"));
}

TEST_CASE("a body is text when people can read it, and base64 when not") {
    const std::pair<std::string, const char*> texts[] = {
        {"plain\r\n\ttext", "plain\r\n\ttext"}, {"grüße €", "grüße €"}, {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"}};
    for (const auto& [bytes, text] : texts)
        CHECK(body_shown(bytes)["text"] == text);
    // Control characters, a lonely byte, an overlong form, half of a surrogate pair, beyond U+10FFFF, a cut character.
    for (const auto& bytes : {"a\0b"s, "\x1b[31m"s, "\x80"s, "\xC0\x80"s, "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s,
                              "abc\xE2\x82"s, "\xFF\xFE"s}) {
        const auto shown = body_shown(bytes);
        CHECK(shown.contains("base64"));
        CHECK_FALSE(shown.contains("text"));
    }
    CHECK(body_shown("a\0b"s)["base64"] == "YQBi");
}

TEST_CASE("what is not shown of a body is said") {
    CHECK(body_shown("") == nlohmann::json::parse(R"({"size":0})"));
    CHECK(body_shown("abcdef", 3) == nlohmann::json::parse(R"({"size":6,"truncated":true,"text":"abc"})"));
    CHECK(body_shown("abcdef", 0) == nlohmann::json::parse(R"({"size":6,"truncated":true})"));
    CHECK(body_shown("abc", 10, 5) == nlohmann::json::parse(R"({"size":8,"truncated":true,"text":"abc"})"));
    // A character across the cut is left out, and does not make the rest unreadable.
    CHECK(body_shown("ab€", 4) == nlohmann::json::parse(R"({"size":5,"truncated":true,"text":"ab"})"));
    auto r = example_request();
    r.body.size = 9;
    r.body.is_dropped = true;
    CHECK(recorded_whole(r, 10)["request"]["body"] == nlohmann::json::parse(R"({"size":9,"dropped":true})"));
}
