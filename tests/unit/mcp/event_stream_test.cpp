#include "instatunnel/mcp/event_stream.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace instatunnel::mcp;

namespace {

struct split {
    std::vector<std::string> events;
    std::string other;
    std::string all;
    bool too_long = false;
};

split run(const std::string& stream, std::size_t piece, std::size_t limit = 1000) {
    split found;
    event_splitter s(limit);
    for (std::size_t at = 0; at < stream.size(); at += piece) {
        auto input = std::string_view(stream).substr(at, piece);
        for (;;) {
            const auto step = s.next(input);
            if (step.what == event_splitter::piece::need_more) break;
            if (step.what == event_splitter::piece::too_long) {
                found.too_long = true;
                return found;
            }
            found.all.append(step.text);
            if (step.what == event_splitter::piece::event)
                found.events.emplace_back(step.text);
            else
                found.other.append(step.text);
        }
    }
    found.all += s.take_rest();
    return found;
}

}  // namespace

TEST_CASE("a stream is split into the same events however it comes in, and no byte is lost") {
    const std::string streams[] = {"data: 1\n\nevent: x\ndata: 2\nid: 7\n\n", "data: 1\r\n\r\ndata: 2\r\n\r\n",
                                   "data: 1\r\rdata: 2\r\r", "data: 1\n\n\n\ndata: 2\n\n"};
    for (const auto& stream : streams)
        for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
            INFO(stream << piece);
            const auto found = run(stream, piece);
            REQUIRE(found.events.size() == 2);
            CHECK(read_event(found.events[0]).data == "1");
            CHECK(read_event(found.events[1]).data == "2");
            CHECK(found.all == stream);
        }
}

TEST_CASE("a comment waits for nothing") {
    for (std::size_t piece = 1; piece < 40; ++piece) {
        CHECK(run(":\r\n", piece).other == ":\r\n");
        const auto inside = run("data: x\r\n: ping\r\ndata: y\r\n\r\n", piece);
        REQUIRE(inside.events.size() == 1);
        CHECK(read_event(inside.events[0]).data == "x\ny");
        // The last line end is whole before its second half.
        CHECK(inside.other == ": ping\r\n\n");
    }
}

TEST_CASE("fields are read as the standard says") {
    const auto e = read_event("event:a\ndata:x\ndata: y\ndata:  z\ndata\nid: 3\nretry: 5\nother: 1\n\n");
    CHECK(e.name == "a");
    CHECK(e.data == "x\ny\n z\n");
    CHECK(e.id == "3");
    CHECK(e.has_data);
    CHECK_FALSE(read_event("database: 1\n\n").has_data);
}

TEST_CASE("data can be replaced without touching the rest") {
    CHECK(replace_data("event: message\ndata: old\ndata: text\nid: 9\n\n", "new\nlines") ==
          "event: message\ndata: new\ndata: lines\nid: 9\n\n");
    CHECK(read_event(make_event("message", "1-2", "a\nb")).data == "a\nb");
}

TEST_CASE("an event may not grow without end") {
    CHECK_FALSE(run("data: " + std::string(100, 'x') + "\n\n", 7, 110).too_long);
    CHECK(run("data: " + std::string(200, 'x'), 7, 110).too_long);
    std::string lines;
    for (int i = 0; i < 50; ++i)
        lines += "data: x\n";
    CHECK(run(lines, 7, 110).too_long);
    std::string comments;
    for (int i = 0; i < 50; ++i)
        comments += ": x\n";
    CHECK_FALSE(run(comments, 7, 110).too_long);
}
