#include "instatunnel/engine/hello.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace instatunnel;
using namespace instatunnel::engine;

namespace {

hello sample() {
    hello h;
    h.key = secret(std::string("it_live_abc"));
    h.instance = "inst";
    h.tunnels.push_back({"t0", "http", "demo", "", "localhost:3000"});
    return h;
}

std::string with_tunnels(const std::string& tunnels) {
    return R"({"auth":{"type":"key","key":"k"},"tunnels":)" + tunnels + "}";
}

}  // namespace

TEST_CASE("HELLO arrives as it was sent") {
    const auto parsed = parse_hello(to_json(sample()));
    REQUIRE(parsed);
    CHECK(parsed->version == 1);
    CHECK(parsed->key.reveal() == "it_live_abc");
    CHECK(parsed->instance == "inst");
    CHECK(parsed->window == 65536);
    CHECK_FALSE(parsed->client_version.empty());
    REQUIRE(parsed->tunnels.size() == 1);
    const auto& t = parsed->tunnels[0];
    CHECK(t.ref + "|" + t.proto + "|" + t.name + "|" + t.host + "|" + t.target == "t0|http|demo||localhost:3000");
}

TEST_CASE("HELLO of an existing tunnel names its host and no wish") {
    auto h = sample();
    h.tunnels[0].name.clear();
    h.tunnels[0].host = "demo.example.com";
    const auto parsed = parse_hello(to_json(h));
    REQUIRE(parsed);
    CHECK(parsed->tunnels[0].host == "demo.example.com");
    CHECK(parsed->tunnels[0].name.empty());
}

TEST_CASE("HELLO says of a tunnel whether an MCP server is behind it") {
    auto h = sample();
    CHECK(to_json(h).find("mcp") == std::string::npos);
    h.tunnels[0].mcp = true;
    CHECK(parse_hello(to_json(h))->tunnels[0].mcp);
    CHECK_FALSE(parse_hello(with_tunnels(R"([{"mcp":false}])"))->tunnels[0].mcp);
    CHECK_FALSE(parse_hello(with_tunnels(R"([{"mcp":"yes"}])")));
}

TEST_CASE("HELLO says who may call an MCP server") {
    auto h = sample();
    h.tunnels[0].mcp = true;
    CHECK(to_json(h).find("mcp_auth") == std::string::npos);
    h.tunnels[0].mcp_auth = "bearer";
    h.tunnels[0].mcp_token_sha256 = "abc";
    const auto bearer = parse_hello(to_json(h));
    REQUIRE(bearer);
    CHECK(bearer->tunnels[0].mcp_auth == "bearer");
    CHECK(bearer->tunnels[0].mcp_token_sha256 == "abc");
    h.tunnels[0].mcp_auth = "oauth";
    h.tunnels[0].mcp_users = {"ann@example.com", "*"};
    CHECK(parse_hello(to_json(h))->tunnels[0].mcp_users == h.tunnels[0].mcp_users);
    // A way that is not known here is no way to be silent about: the edge must see it and refuse.
    CHECK(parse_hello(with_tunnels(R"([{"mcp_auth":{"mode":"later"}}])"))->tunnels[0].mcp_auth == "later");
    for (const auto* bad : {R"("bearer")", R"({"mode":1})", R"({"mode":"oauth","users":"*"})", R"({"users":[1]})"})
        CHECK_FALSE(parse_hello(with_tunnels(std::string(R"([{"mcp_auth":)") + bad + "}]")));
    std::string many = "\"a\"";
    for (int i = 0; i < 100; ++i)
        many += ",\"a\"";
    CHECK_FALSE(parse_hello(with_tunnels("[{\"mcp_auth\":{\"users\":[" + many + "]}}]")));
}

TEST_CASE("HELLO says what visitors of a tunnel have to know, and WELCOME that the edge asks for it") {
    auto h = sample();
    CHECK(to_json(h).find("access") == std::string::npos);
    h.tunnels[0].password = secret("open sesame");
    h.tunnels[0].basic = secret("ann:pw");
    h.tunnels[0].seed = secret("seed");
    const auto parsed = parse_hello(to_json(h));
    REQUIRE(parsed);
    const auto& t = parsed->tunnels[0];
    CHECK(t.password.reveal() == "open sesame");
    CHECK(t.basic.reveal() == "ann:pw");
    CHECK(t.seed.reveal() == "seed");
    CHECK(parse_hello(with_tunnels(R"([{"port":20001,"proto":"tcp"}])"))->tunnels[0].port == 20001);
    for (const auto* port : {"-1", "65536", "\"x\"", "1.5"})
        CHECK_FALSE(parse_hello(with_tunnels(R"([{"port":)" + std::string(port) + "}]")));
    CHECK(parse_hello(with_tunnels(R"([{"access":{}}])"))->tunnels[0].password.empty());
    CHECK(parse_hello(with_tunnels(R"([{"access":null}])")));
    // What cannot be read must not mean that everybody may come.
    for (const auto* access : {"true", "\"x\"", R"({"password":1})", R"({"basic":["a"]})", R"({"seed":{}})"})
        CHECK_FALSE(parse_hello(with_tunnels(R"([{"access":)" + std::string(access) + "}]")));
    CHECK_FALSE(parse_hello(with_tunnels(R"([{"access":{"password":")" + std::string(513, 'x') + "\"}}]")));

    welcome w;
    w.tunnels.push_back({"t0", 1, "id", "demo", "tcp://example.com:20001", "tcp", 20001, true});
    CHECK(parse_welcome(to_json(w))->tunnels[0].guarded);
    CHECK(parse_welcome(to_json(w))->tunnels[0].proto == "tcp");
    CHECK(parse_welcome(to_json(w))->tunnels[0].port == 20001);
    w.tunnels[0].guarded = false;
    CHECK(to_json(w).find("guarded") == std::string::npos);
    CHECK_FALSE(parse_welcome(to_json(w))->tunnels[0].guarded);
}

TEST_CASE("WELCOME arrives as it was sent") {
    welcome w;
    w.session = "s1";
    w.tunnels.push_back({"t0", 42, "id", "demo", "https://demo.example.com"});
    const auto parsed = parse_welcome(to_json(w));
    REQUIRE(parsed);
    CHECK(parsed->session == "s1");
    REQUIRE(parsed->tunnels.size() == 1);
    const auto& t = parsed->tunnels[0];
    CHECK(t.number == 42);
    CHECK(t.ref + "|" + t.id + "|" + t.name + "|" + t.url == "t0|id|demo|https://demo.example.com");
}

TEST_CASE("any bytes in a text make JSON that fits the wire and parses") {
    auto h = sample();
    h.tunnels[0].target = "\xff\x00\n\"\\ \xe2\x82\xac";
    const auto json = to_json(h);
    for (const char c : json)
        CHECK((c >= ' ' && c < 127));
    CHECK(parse_hello(json));
}

TEST_CASE("members of a newer program are ignored, absent ones have defaults") {
    const auto parsed = parse_hello(
        R"({"v":7,"new":[{}],"client":{"os":"x"},"auth":{"key":"k","more":1},"tunnels":[{"color":"red"}]})");
    REQUIRE(parsed);
    CHECK(parsed->version == 7);
    CHECK(parsed->key.reveal() == "k");
    CHECK(parsed->tunnels[0].proto == "http");
    const auto bare = parse_hello(R"({"tunnels":[{"ref":null}]})");
    REQUIRE(bare);
    CHECK(bare->key.reveal().empty());
    CHECK(bare->window == 65536);
    REQUIRE(parse_welcome(R"({"tunnels":[{}],"x":1})"));
}

TEST_CASE("a HELLO that is none is refused") {
    const std::string deep(8000, '[');
    for (const std::string& text : {std::string(),
                                    std::string("null"),
                                    std::string("[]"),
                                    std::string("{"),
                                    std::string("{} x"),
                                    deep,
                                    std::string("{}"),
                                    with_tunnels("[]"),
                                    with_tunnels("{}"),
                                    with_tunnels("[1]"),
                                    with_tunnels("[[]]"),
                                    with_tunnels("[{},{}]"),
                                    with_tunnels(R"([{"sub":1}])"),
                                    with_tunnels(R"([{"ref":["a"]}])"),
                                    std::string(R"({"v":"1","tunnels":[{}]})"),
                                    std::string(R"({"v":-1,"tunnels":[{}]})"),
                                    std::string(R"({"v":1.5,"tunnels":[{}]})"),
                                    std::string(R"({"v":4294967296,"tunnels":[{}]})"),
                                    std::string(R"({"auth":"k","tunnels":[{}]})"),
                                    std::string(R"({"auth":{"key":1},"tunnels":[{}]})"),
                                    std::string(R"({"auth":{"type":"ticket","key":"k"},"tunnels":[{}]})"),
                                    std::string(R"({"client":[],"tunnels":[{}]})"),
                                    std::string(R"({"instance_id":{},"tunnels":[{}]})"),
                                    with_tunnels("[{\"sub\":\"\xff\"}]")}) {
        INFO(text.substr(0, 80));
        CHECK_FALSE(parse_hello(text));
    }
}

TEST_CASE("texts are bounded at 512 bytes, tunnels at 64") {
    CHECK(parse_hello(with_tunnels("[{\"sub\":\"" + std::string(512, 'a') + "\"}]")));
    CHECK_FALSE(parse_hello(with_tunnels("[{\"sub\":\"" + std::string(513, 'a') + "\"}]")));
    CHECK_FALSE(parse_hello(R"({"auth":{"key":")" + std::string(513, 'k') + R"("},"tunnels":[{}]})"));
    const auto many = [](int n) {
        std::string list = "[{}";
        for (int i = 1; i < n; ++i)
            list += ",{}";
        return list + "]";
    };
    CHECK(parse_welcome("{\"tunnels\":" + many(64) + "}"));
    CHECK_FALSE(parse_welcome("{\"tunnels\":" + many(65) + "}"));
    CHECK_FALSE(parse_welcome("{\"tunnels\":[]}"));
    CHECK_FALSE(parse_welcome("{\"tunnels\":[{\"id\":-1}]}"));
}
