#include "cli/tunnel_printer.hpp"

#include "cli/serve.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using namespace std::chrono_literals;
using instatunnel::test::captured_stream;

namespace {

struct printing {
    captured_stream in, out, err;
    std::chrono::steady_clock::time_point time;
    int reader_gone = 0;
    terminal term;
    tunnel_printer printer;

    explicit printing(bool json, bool quiet = false)
        : term(in.fd(), out.fd(), err.fd(), {false, false, false, false, json}),
          printer(
              term, [this] { return time; }, quiet, [this] { ++reader_gone; }) {}
};

const client::ready_info ready = {"https://demo.t.example.com", "demo", "localhost:3000", "v2", false};

client::tunnel_options forwarding_3000() {
    client::tunnel_options o;
    o.upstream = client::parse_target("3000").value();
    o.server = "https://api.t.example.com";
    return o;
}

}  // namespace

TEST_CASE("a tunnel prints the promised lines in order") {
    printing p(/*json=*/false);
    p.printer.starting(forwarding_3000());
    p.printer.on_ready(ready);
    p.printer.on_request({"GET", "/path", 200, 1234, 3ms});
    p.printer.on_request({"POST", "/x\x1b[0m", 0, 0, 1500ms});
    p.printer.on_turn_end();
    p.printer.closed({2, 125s});
    CHECK(p.out.text() ==
          "🚀 Starting tunnel for localhost:3000...\n"
          "🚀 Your app is now live at https://demo.t.example.com\n"
          "🔗 Forwarding https://demo.t.example.com -> localhost:3000\n"
          "⚡ Ready to receive requests! Press Ctrl+C to stop\n"
          "GET /path 200 OK 1.2 kB 3ms\n"
          "POST /x?[0m reset 0 B 1.5s\n"
          "📊 Session Summary: 2 requests handled in 2m 5s\n");
    CHECK(p.err.text().empty());
    CHECK(p.reader_gone == 0);
}

TEST_CASE("with --json a tunnel prints events") {
    printing p(/*json=*/true);
    p.printer.starting(forwarding_3000());
    p.printer.on_ready(ready);
    p.printer.on_request({"GET", "/path", 404, 10, 3ms});
    p.printer.on_turn_end();
    p.printer.on_reconnecting(failure(errc::connection_lost), 100ms, 1);
    p.printer.closed({1, 5s});
    CHECK(p.out.text() ==
          R"({"event":"tunnel.starting","target":"localhost:3000","server":"https://api.t.example.com"}
{"event":"tunnel.ready","url":"https://demo.t.example.com","name":"demo","target":"localhost:3000","transport":"v2","reconnected":false}
{"event":"request","method":"GET","path":"/path","status":404,"bytes":10,"ms":3}
{"event":"tunnel.reconnecting","attempt":1,"wait_ms":100,"reason":"The connection to the server was lost"}
{"event":"tunnel.closed","requests":1,"ms":5000}
)");
    CHECK(p.err.text().empty());
}

TEST_CASE("a lost and regained connection is talk, not a result") {
    printing p(/*json=*/false);
    p.printer.on_reconnecting(failure(errc::connection_lost), 120ms, 2);
    auto again = ready;
    again.reconnected = true;
    p.printer.on_ready(again);
    p.printer.on_notice(failure(errc::target_unreachable, "Failed to reach local server localhost:3000"));
    CHECK(p.out.text().empty());
    CHECK(p.err.text() ==
          "Connection lost: The connection to the server was lost. Trying again in 120ms (attempt 2)\n"
          "Connected again: https://demo.t.example.com\n"
          "Notice: Failed to reach local server localhost:3000. Start the local program, or name another target\n");
}

TEST_CASE("--quiet leaves out the requests but counts them") {
    printing p(/*json=*/false, /*quiet=*/true);
    p.printer.on_request({"GET", "/", 200, 1, 1ms});
    p.printer.on_turn_end();
    p.time += 3s;
    CHECK(p.out.text().empty());
    CHECK(p.printer.counted().requests == 1);
    CHECK(p.printer.counted().lasted == 3s);
    CHECK_FALSE(p.printer.was_ready());
}

TEST_CASE("a status is coloured on a terminal only") {
    const terminal plain(0, 1, 2, {});
    const terminal tty(0, 1, 2, {true, true, true, false, false});
    CHECK(request_line(plain, {"GET", "/", 599, 0, 1ms}) == "GET / 599 0 B 1ms");
    CHECK(request_line(tty, {"GET", "/", 500, 0, 1ms}) ==
          "GET / \x1b[31m500 Internal Server Error\x1b[0m 0 B \x1b[2m1ms\x1b[0m");
}

TEST_CASE("serve --json is one line, with the first user in dev mode only") {
    app::serve_ready dev;
    dev.url = "https://localhost:8443";
    dev.api = "https://api.localhost:8443";
    dev.domain = "localhost";
    dev.cacert = "/d/ca.pem";
    dev.email = "dev@localhost";
    dev.password = "pw";
    dev.api_key = "it_1234567890abcdef";
    CHECK(
        ready_line(dev, /*dev=*/true) ==
        R"({"event":"serve.ready","url":"https://localhost:8443","api":"https://api.localhost:8443","domain":"localhost","cacert":"/d/ca.pem",)"
        R"("email":"dev@localhost","password":"pw","api_key":"it_1234567890abcdef"})");
    dev.cacert.clear();
    CHECK(
        ready_line(dev, /*dev=*/false) ==
        R"({"event":"serve.ready","url":"https://localhost:8443","api":"https://api.localhost:8443","domain":"localhost","cacert":null})");
}

TEST_CASE("the token of an MCP server is shown behind the promised lines, and once") {
    auto guarded = forwarding_3000();
    guarded.mcp_auth = client::mcp_guard::bearer;
    guarded.mcp_token = secret("itm_token");
    printing p(/*json=*/false);
    p.printer.starting(guarded);
    p.printer.on_ready(ready);
    auto again = ready;
    again.reconnected = true;
    p.printer.on_ready(again);
    CHECK(p.out.text().ends_with("⚡ Ready to receive requests! Press Ctrl+C to stop\n🔑 MCP token: itm_token\n"));
    printing with_json(/*json=*/true);
    with_json.printer.starting(guarded);
    with_json.printer.on_ready(ready);
    CHECK(with_json.out.text().find(R"("reconnected":false,"mcp_auth":"bearer","mcp_token":"itm_token"})") !=
          std::string::npos);
}
