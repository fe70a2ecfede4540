#include "instatunnel/v1/message.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace instatunnel::v1;

namespace {

constexpr std::size_t any_size = 1 << 20;

bool read(message_reader& r, std::string_view text, std::size_t piece = 0, std::size_t max_body = any_size) {
    r.start(max_body);
    const auto step = piece == 0 ? text.size() : piece;
    for (std::size_t at = 0; at < text.size(); at += step)
        if (!r.read(text.substr(at, step))) return false;
    return r.finish();
}

std::string text_of(message_source& source, std::size_t piece = 4096) {
    std::string text;
    std::string into(piece, '\0');
    for (bool ended = false; !ended;) {
        const auto got = source.read({into.data(), into.size()}, ended);
        REQUIRE((got > 0 || ended));
        text.append(into, 0, got);
    }
    return text;
}

message sample() {
    message m;
    m.id = "r1";
    m.method = "POST";
    m.url = "/a?b=\"c\"";
    m.status = 201;
    m.fields = {{"Content-Type", "text/plain"}, {"X-Odd", "tab\tand \"quotes\""}};
    return m;
}

}  // namespace

TEST_CASE("bytes that are held are counted as the memory that they take, and given back") {
    const auto budget = std::make_shared<byte_budget>(1000);
    {
        held_bytes held(budget);
        std::string text;
        CHECK(held.append(text, std::string(300, 'x')));
        CHECK(budget->left() <= 720);
        CHECK(held.append(text, "y"));
        CHECK(budget->left() <= 420);
        const auto left = budget->left();
        CHECK_FALSE(held.append(text, std::string(600, 'z')));
        CHECK(text.size() == 301);
        CHECK(budget->left() == left);
        held.trim(text);
        CHECK(text == std::string(300, 'x') + "y");
        CHECK(budget->left() > left);
    }
    CHECK(budget->left() == 1000);
}

TEST_CASE("a request comes back as it was written, in pieces of any size") {
    const std::string body("\0\xFF\r\n{}\"bytes", 13);
    for (std::size_t piece : {1U, 2U, 3U, 7U, 4096U}) {
        const auto text = text_of(*request_message(sample(), body, nullptr), piece);
        message_reader r;
        REQUIRE(read(r, text, piece));
        CHECK(r.problem().empty());
        const auto& m = r.result();
        CHECK(m.kind == message_kind::request);
        CHECK(m.id == "r1");
        CHECK(m.method == "POST");
        CHECK(m.url == sample().url);
        CHECK(m.fields == sample().fields);
        CHECK(m.body == body);
    }
}

TEST_CASE("bodies of every length are padded as base64 asks for") {
    message_reader r;
    for (std::size_t size = 0; size < 9000; size += size < 10 ? 1 : 1021) {
        const std::string body(size, 'x');
        REQUIRE(read(r, text_of(*response_message(sample(), body, nullptr))));
        CHECK(r.problem().empty());
        CHECK(r.result().body == body);
        CHECK(r.result().status == 201);
    }
}

TEST_CASE("an empty body is left out, in pieces of any size") {
    const auto whole = text_of(*response_message(sample(), {}, nullptr));
    CHECK(whole.find("body") == std::string::npos);
    CHECK(whole.ends_with("}}"));
    for (std::size_t piece : {1U, 7U, 32U, 100U})
        CHECK(text_of(*response_message(sample(), {}, nullptr), piece) == whole);
}

TEST_CASE("a body longer than wanted is not kept, and the rest of the message is") {
    message_reader r;
    REQUIRE(read(r, text_of(*response_message(sample(), std::string(1000, 'x'), nullptr)), 0, 999));
    CHECK(r.result().body_too_large);
    CHECK(r.result().body.empty());
    CHECK(r.result().id == "r1");
    CHECK(r.problem().empty());
}

TEST_CASE("members may stand in any order, and unknown ones are passed over") {
    message_reader r;
    REQUIRE(read(r,
                 R"({"extra":[1,{"type":"ping","data":{"id":7}}],"data":{"body":"YQ==","more":{"headers":{"a":1}},)"
                 R"("headers":{"A":"1"},"status_code":200,"id":"x"},"type":"response"})",
                 3));
    CHECK(r.problem().empty());
    CHECK(r.result().kind == message_kind::response);
    CHECK(r.result().id == "x");
    CHECK(r.result().body == "a");
    CHECK(r.result().fields == field_map{{"A", "1"}});
}

TEST_CASE("what is not one JSON object is refused") {
    for (const char* text :
         {"", " ", "{", "[]", "\"x\"", "{}{}", "{} x", "{\"type\":}", "nul", "{\"a\":\"\xFF\"}", "1"}) {
        message_reader r;
        INFO(text);
        CHECK_FALSE(read(r, text));
    }
    message_reader r;
    CHECK_FALSE(read(r, std::string(10'000, '[')));
    CHECK(read(r, " { } \r\n"));
}

TEST_CASE("a response that cannot be used says why and keeps its id") {
    const auto problem = [](const std::string& members) {
        message_reader r;
        REQUIRE(read(r, R"({"type":"response","data":{"id":"x",)" + members + "}}"));
        CHECK(r.result().id == "x");
        return std::string(r.problem());
    };
    CHECK(problem(R"("status_code":200)").empty());
    CHECK(problem(R"("status_code":200,"headers":null,"body":null)").empty());
    for (const char* status : {"99", "101", "600", "-1", "2e2", "\"200\"", "null", "[]", "18446744073709551615"})
        CHECK_FALSE(problem(std::string(R"("status_code":)") + status).empty());
    for (const char* more :
         {R"("headers":[])", R"("headers":{"a":1})", R"("headers":{"a":["b"]})", R"("headers":"a")", R"("body":1)",
          R"("body":"a")", R"("body":"a=b=")", R"("body":"YQ==YQ==")", R"("body":"Y Q=")", R"("body":"====")"})
        CHECK_FALSE(problem(std::string(R"("status_code":200,)") + more).empty());
    const std::string long_header =
        "\"headers\":{\"a\":\"" + std::string(message_reader::max_fields_size + 1, 'x') + "\"}";
    CHECK_FALSE(problem("\"status_code\":200," + long_header).empty());
}

TEST_CASE("other kinds need nothing but their type") {
    message_reader r;
    for (const auto& [text, kind] : {std::pair{R"({"type":"ping"})", message_kind::ping},
                                     {R"({"type":"pong","data":3})", message_kind::pong},
                                     {R"({"type":"connected","data":null})", message_kind::connected},
                                     {R"({"type":"later"})", message_kind::other},
                                     {"{}", message_kind::other}}) {
        REQUIRE(read(r, text));
        CHECK(r.result().kind == kind);
    }
}
