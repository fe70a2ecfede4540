#include "edge/parked_request.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel;
using namespace instatunnel::edge;

TEST_CASE("a parked request keeps its head when the connection's buffer is used for something else") {
    std::string buffer = "POST|/mcp?x=1|demo.example.com|websocket|Accept|text/event-stream|X-Empty|";
    const auto part = [&](std::size_t at, std::size_t size) { return std::string_view(buffer).substr(at, size); };
    wire::request_head head;
    head.method = part(0, 4);
    head.target = head.path = part(5, 8);
    head.authority = part(14, 16);
    head.upgrade = part(31, 9);
    head.content_length = 7;
    head.fields = {{part(41, 6), part(48, 17)}, {part(66, 7), {}}};
    const parked_request parked(head);
    buffer.assign(buffer.size(), '#');
    CHECK(parked.head().method == "POST");
    CHECK(parked.head().path == "/mcp?x=1");
    CHECK(parked.head().target == "/mcp?x=1");
    CHECK(parked.head().authority == "demo.example.com");
    CHECK(parked.head().upgrade == "websocket");
    CHECK(parked.head().content_length == 7);
    REQUIRE(parked.head().fields.size() == 2);
    CHECK(parked.head().fields[0].name == "Accept");
    CHECK(parked.head().fields[0].value == "text/event-stream");
    CHECK(parked.head().fields[1].name == "X-Empty");
    CHECK(parked.head().fields[1].value.empty());
}
