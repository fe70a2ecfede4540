#include "instatunnel/mcp/exchange_filter.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace instatunnel;
using namespace instatunnel::mcp;

namespace {

using verdict = exchange_filter::request_verdict;
using plan = exchange_filter::reply_plan;

const std::string list_reply =
    R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo","description":"says"},{"name":"rm"}, {"name":"get_a"}],)"
    R"("nextCursor":"c"}})";

struct filter {
    filter_state shared;
    exchange_filter exchange{shared};

    explicit filter(tool_rules rules = {{}, {"rm"}}) { shared.rules = std::move(rules); }

    verdict send(const std::string& body, std::vector<wire::field> fields = {{"Content-Type", "application/json"}},
                 std::size_t piece = 5) {
        auto v = exchange.start(fields, /*is_upgrade=*/false, /*ends=*/false);
        for (std::size_t at = 0; at < body.size() && v == verdict::hold; at += piece)
            v = exchange.on_request_data(std::string_view(body).substr(at, piece));
        return v == verdict::hold ? exchange.on_request_end() : v;
    }
};

std::string call_of(const std::string& tool, const std::string& id = "1") {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"method":"tools/call","params":{"name":")" + tool + R"("}})";
}

verdict verdict_on(const std::string& body,
                   const std::vector<wire::field>& fields = {{"Content-Type", "application/json"}}) {
    filter f;
    return f.send(body, fields);
}

}  // namespace

TEST_CASE("permitted calls are passed on unchanged, others answered") {
    filter f;
    CHECK(f.send(call_of("echo")) == verdict::forward);
    CHECK(f.exchange.held_request() == call_of("echo"));
    f.exchange.forget_request();
    CHECK(f.shared.held == 0);
    filter g;
    CHECK(g.send(call_of("rm", "\"x\"")) == verdict::refuse);
    CHECK(g.exchange.refused().status == 200);
    CHECK(g.exchange.refused().for_stream);
    CHECK(
        g.exchange.refused().body ==
        R"({"jsonrpc":"2.0","id":"x","error":{"code":-32602,"message":"Tool not permitted through this tunnel: rm"}})");
}

TEST_CASE("a refused call in a batch refuses all of it") {
    filter f;
    CHECK(f.send("[" + call_of("echo", "1") + "," + call_of("rm", "2") + R"(,{"jsonrpc":"2.0","method":"n"}])") ==
          verdict::refuse);
    const auto& body = f.exchange.refused().body;
    CHECK(body.front() == '[');
    CHECK(body.find(R"("id":1)") != std::string::npos);
    CHECK(body.find(R"("id":2)") != std::string::npos);
    CHECK(read_messages(body).messages.size() == 2);
}

TEST_CASE("a refused call without an id is dropped silently") {
    filter f;
    CHECK(f.send(R"({"jsonrpc":"2.0","method":"tools/call","params":{"name":"rm"}})") == verdict::refuse);
    CHECK(f.exchange.refused().status == 202);
    CHECK(f.exchange.refused().body.empty());
}

TEST_CASE("no dress lets a call through") {
    const auto rm = call_of("rm");
    CHECK(verdict_on(rm, {}) == verdict::refuse);
    CHECK(verdict_on(rm, {{"Content-Type", "text/plain"}}) == verdict::refuse);
    CHECK(verdict_on("\r\n\t " + rm, {{"Content-Type", "application/grpc"}}) == verdict::refuse);
    CHECK(verdict_on("\xEF\xBB\xBF" + rm, {{"Content-Type", "text/plain"}}) == verdict::refuse);
    CHECK(verdict_on(rm + "\n" + rm) == verdict::refuse);
    CHECK(verdict_on(rm, {{"Content-Encoding", "gzip"}}) == verdict::refuse);
    CHECK(verdict_on(rm, {{"Content-Encoding", "identity"}, {"content-type", "text/plain"}}) == verdict::refuse);
    CHECK(verdict_on(call_of("echo"), {{"Content-Type", "application/json; charset=utf-16"}}) == verdict::refuse);
    CHECK(verdict_on(call_of("echo"), {{"Content-Type", "application/json; charset=\"UTF-8\""}}) == verdict::forward);
    for (const bool big_endian : {true, false}) {
        std::string wide;
        for (const char c : rm)
            wide += big_endian ? std::string{'\0', c} : std::string{c, '\0'};
        CHECK(verdict_on(wide) == verdict::refuse);
        CHECK(verdict_on(wide, {{"Content-Type", "text/plain"}}) == verdict::refuse);
    }
    filter f;
    CHECK(f.exchange.start({}, /*is_upgrade=*/true, /*ends=*/true) == verdict::refuse);
    CHECK(f.exchange.refused().status == 403);
}

TEST_CASE("what is no call goes its way") {
    CHECK(verdict_on(R"({"client_name":"x","redirect_uris":[]})") == verdict::forward);
    CHECK(verdict_on("grant_type=authorization_code", {{"Content-Type", "application/x-www-form-urlencoded"}}) ==
          verdict::forward);
    CHECK(verdict_on("") == verdict::forward);
    CHECK(verdict_on(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})") == verdict::forward);
    CHECK(verdict_on("nonsense") == verdict::refuse);
    // Without rules nothing is held at all.
    filter f{tool_rules()};
    CHECK(f.exchange.start({{"Content-Encoding", "gzip"}}, true, false) == verdict::forward);
}

TEST_CASE("a long message is refused and memory is bounded over all exchanges") {
    filter f;
    const std::string long_text(filter_state::max_message, ' ');
    CHECK(f.send(long_text + call_of("rm"), {}, 1024 * 1024) == verdict::refuse);
    CHECK(f.exchange.refused().status == 413);
    filter g;
    g.shared.held = filter_state::max_held;
    CHECK(g.send(call_of("echo")) == verdict::refuse);
    CHECK(g.exchange.refused().status == 503);
}

TEST_CASE("a list in JSON loses what is not permitted, and nothing else changes") {
    filter f;
    CHECK(f.exchange.plan_reply({{"content-type", "application/json; charset=utf-8"}}, true) == plan::whole);
    for (const char c : list_reply)
        REQUIRE(f.exchange.hold_reply({&c, 1}));
    CHECK(f.exchange.take_reply() ==
          R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo","description":"says"},{"name":"get_a"}],)"
          R"("nextCursor":"c"}})");
    CHECK(f.shared.held == 0);
    CHECK(f.shared.watch.tools() == 2);
}

TEST_CASE("a list in events loses it too, and other events are not delayed") {
    filter f{{{"get_*"}, {}}};
    CHECK(f.exchange.plan_reply({{"Content-Type", "Text/Event-Stream"}}, true) == plan::events);
    std::string out;
    CHECK(f.exchange.filter_events(": ping\n", out));
    CHECK(out == ": ping\n");
    out.clear();
    CHECK(f.exchange.filter_events("event: endpoint\ndata: /messages?id=1\n\ndata: {\"a\"", out));
    CHECK(out == "event: endpoint\ndata: /messages?id=1\n\n");
    CHECK(f.exchange.endpoint() == "/messages?id=1");
    out.clear();
    CHECK(f.exchange.filter_events(":1}\n\nid: 4\ndata: " + list_reply + "\n\n", out));
    CHECK(out == "data: {\"a\":1}\n\nid: 4\ndata: " +
                     std::string(R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"get_a"}],"nextCursor":"c"}})") +
                     "\n\n");
    CHECK(f.shared.held == 0);
    CHECK_FALSE(f.exchange.filter_events("data: " + std::string(filter_state::max_message, 'x'), out));
}

TEST_CASE("spelling and batches do not save a tool from the filter") {
    const tool_rules rules{{"echo"}, {}};
    const auto filtered = [&](const std::string& text) { return filter_tools(text, rules, nullptr).text; };
    CHECK(filtered(R"({"result":{"t\u006Fols":[{"n\u0061me":"\u0072m"}]}})") == R"({"result":{"t\u006Fols":[]}})");
    CHECK(filtered(R"([{"result":{"tools":[{"name":"rm"}]}},{"result":{"tools":[{"name":"echo"},{}]}}])") ==
          R"([{"result":{"tools":[]}},{"result":{"tools":[{"name":"echo"}]}}])");
    CHECK(filtered(R"({"result":{"tools":[{"name":"echo","name":"rm"}]}})") == R"({"result":{"tools":[]}})");
    // A result of a call may hold anything.
    const std::string other = R"({"result":{"structuredContent":{"tools":[{"name":"rm"}]}}})";
    CHECK(filtered(other) == other);
    CHECK(filtered("{\"tools") == "{\"tools");
}

TEST_CASE("a compressed reply is not let through unread") {
    filter f;
    CHECK(f.exchange.plan_reply({{"Content-Type", "application/json"}, {"Content-Encoding", "br"}}, true) ==
          plan::refuse);
    filter g;
    CHECK(g.exchange.plan_reply({{"Content-Type", "text/html"}, {"Content-Encoding", "br"}}, true) == plan::pass);
    filter h{tool_rules()};
    CHECK(h.exchange.plan_reply({{"Content-Type", "application/json"}, {"Content-Encoding", "br"}}, true) ==
          plan::pass);
}

TEST_CASE("a tool that changes is told once for each new definition") {
    filter_state shared;
    const auto reply = [&](const std::string& description, bool events) {
        exchange_filter e(shared);
        const auto text = R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo","description":")" + description +
                          R"(","inputSchema":{"b":1,"a":2}}]}})";
        CHECK(e.plan_reply({{"Content-Type", events ? "text/event-stream" : "application/json"}}, true) == plan::watch);
        e.watch_reply(events ? "data: " + text + "\n\n" : text);
        e.end_watch();
    };
    reply("one", false);
    reply("one", true);
    CHECK(shared.watch.take_changes().empty());
    reply("two", true);
    const auto changes = shared.watch.take_changes();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].tool == "echo");
    CHECK(changes[0].parts == std::vector<std::string>{"description"});
    reply("one", false);
    reply("two", false);
    CHECK(shared.watch.take_changes().empty());
    CHECK(shared.held == 0);
}

TEST_CASE("the order of members is no change") {
    tool_watch watch;
    watch.note("a", R"({"name":"a","inputSchema":{"x":1,"y":2}})");
    watch.note("a", R"({"inputSchema":{"y":2, "x":1},"name":"a"})");
    CHECK(watch.take_changes().empty());
    watch.note("a", R"({"inputSchema":{"y":2,"x":1},"name":"a","annotations":{}})");
    CHECK(watch.take_changes().at(0).parts == std::vector<std::string>{"annotations"});
}
