#include "instatunnel/mcp/message.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace instatunnel::mcp;

namespace {

std::string call(const std::string& params) {
    return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)" + params + "}";
}

}  // namespace

TEST_CASE("requests, notifications and responses are told apart") {
    const std::string text =
        R"([{"jsonrpc":"2.0","id":"a","method":"ping"},{"jsonrpc":"2.0","method":"notifications/initialized"},)"
        R"({"jsonrpc":"2.0","id":7,"result":{}},{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}])";
    const auto r = read_messages(text);
    REQUIRE(r.good());
    CHECK(r.is_batch);
    REQUIRE(r.messages.size() == 4);
    CHECK(r.messages[0].what == message::kind::request);
    CHECK(r.messages[0].id.of(text) == "\"a\"");
    CHECK(r.messages[0].method == "ping");
    CHECK(r.messages[1].what == message::kind::notification);
    CHECK(r.messages[2].what == message::kind::response);
    CHECK(r.messages[3].what == message::kind::response);
}

TEST_CASE("the tool of a call is found however it is written") {
    for (const std::string name : {R"("rm")", R"("\u0072m")", R"("\u0072\u006D")"}) {
        const auto r = read_messages(call(R"({"name":)" + name + R"(,"arguments":{"name":"x"}})"));
        REQUIRE(r.good());
        CHECK(r.messages[0].calls_tool);
        CHECK(r.messages[0].tool == "rm");
    }
    const auto escaped =
        read_messages(R"({"\u006Asonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"rm"}})");
    REQUIRE(escaped.good());
    CHECK(escaped.messages[0].tool == "rm");
    const auto notified = read_messages(R"({"jsonrpc":"2.0","method":"Tools/Call","params":{"name":"rm"}})");
    REQUIRE(notified.good());
    CHECK(notified.messages[0].calls_tool);
}

TEST_CASE("what two readers could read differently is refused") {
    const std::string bad[] = {
        call(R"({"name":"ok","name":"rm"})"),
        call(R"({"name":"ok","n\u0061me":"rm"})"),
        call(R"({"name":"ok","Name":"rm"})"),
        call(R"({"name":"ok\u0000"})"),
        call(R"({"name":"\ud800"})"),
        call(R"({"name":["rm"]})"),
        call(R"({"\ud800":1,"name":"ok"})"),
        call("[]"),
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"rm"}})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"rm"}})",
        R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ok"},"param)"
        "\xC5\xBF"
        R"(":{"name":"rm"}})",
        R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})",
        R"({"jsonrpc":"2.0","id":1,"result":{},"error":{}})",
        R"({"jsonrpc":"2.0","result":{}})",
        R"({"jsonrpc":"1.0","id":1,"method":"ping"})",
        R"({"id":1,"method":"ping"})",
        R"({"jsonrpc":"2.0","id":{},"method":"ping"})",
        R"({"jsonrpc":"2.0","id":1,"method":7})",
        "[]",
        "[1]",
        "[[]]",
        "7",
        "",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}",
    };
    for (const auto& text : bad) {
        INFO(text);
        CHECK_FALSE(read_messages(text).good());
    }
    std::string many = "[";
    for (std::size_t i = 0; i <= max_batch; ++i)
        many += std::string(i == 0 ? "" : ",") + R"({"jsonrpc":"2.0","method":"m"})";
    CHECK_FALSE(read_messages(many + "]").good());
}

TEST_CASE("an error names the request it answers") {
    CHECK(error_message("\"a\"", -32602, "no \"x\"") ==
          R"({"jsonrpc":"2.0","id":"a","error":{"code":-32602,"message":"no \"x\""}})");
    CHECK(error_message({}, -32700, "bad") == R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}})");
}

TEST_CASE("JSON without a method is no call") {
    CHECK(may_name_method(R"({"a":1,"METHOD":2})"));
    CHECK(may_name_method(R"([{"a":1},{"m\u0065thod":2}])"));
    CHECK(may_name_method(R"({"\udc00":1})"));
    CHECK_FALSE(may_name_method(R"({"client_name":"x","nested":{"method":1}})"));
    CHECK_FALSE(may_name_method("7"));
}
