#include "cli/stats.hpp"

#include "cli/bar.hpp"
#include "cli/ready_extras.hpp"
#include "cli/share_texts.hpp"
#include "cli/tunnels.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;
using test::stored_key;

namespace {

constexpr const char* stats_account =
    R"({"id":"user_1","email":"ann@example.com","name":"Ann","plan":"pro","usage":{"tunnels_created":3,)"
    R"("data_transferred":"2.4 GB","requests_served":345,"bytes_in":1000,"bytes_out":2000,"bytes_transferred":3000,)"
    R"("tunnels_online":2},"permissions":["tunnels:*"],"key":{"id":"key_1","name":"k","expires_at":null}})";

std::string listed_tunnel(const std::string& name, const std::string& status, const std::string& figures) {
    return R"({"id":"tun_)" + name + R"(","name":")" + name + R"(","url":"https://)" + name +
           R"(.t.example.com:8443","target":"localhost:3000","status":")" + status +
           R"(","created_at":"2026-11-22T11:59:00Z",)" + figures + "}";
}

std::string three_tunnels() {
    return R"({"tunnels":[)" +
           listed_tunnel("demo", "online",
                         R"("uptime_seconds":11520,"requests":100,"bytes_in":1200000,"bytes_out":3400000,)"
                         R"("latency_p50_ms":12.2,"latency_p99_ms":80.5)") +
           "," +
           listed_tunnel("shop", "online",
                         R"("uptime_seconds":5,"requests":50,"bytes_in":0,"bytes_out":0,"latency_p50_ms":null,)"
                         R"("latency_p99_ms":null)") +
           "," + listed_tunnel("old", "offline", R"("uptime_seconds":null,"requests":7,"bytes_in":1,"bytes_out":2)") +
           "]}";
}

struct served : cli_fixture {
    served() {
        store_profile("default", stored_key, "https://api.t.example.com");
        server.replies["GET /v1/auth/user"] = {200, stats_account};
        server.replies["GET /v1/tunnels"] = {200, three_tunnels()};
    }
};

}  // namespace

TEST_CASE("stats shows what the server counted, of the account and of each tunnel") {
    served f;
    CHECK(status_of(f.run<stats_options>(run_stats)) == 0);
    CHECK(f.out.text() ==
          "📋 Plan: Pro\n"
          "📊 Usage: 3 tunnels created, 345 requests served, 2.4 GB transferred\n"
          "Active Tunnels (2)\n"
          "https://demo.t.example.com:8443 -> localhost:3000\n"
          "  Status: online\n  Uptime: 3h 12m\n  Requests: 100\n  Bytes in: 1.2 MB\n  Bytes out: 3.4 MB\n"
          "  Latency p50: 12ms\n  Latency p99: 81ms\n"
          "https://shop.t.example.com:8443 -> localhost:3000\n"
          "  Status: online\n  Uptime: 5.0s\n  Requests: 50\n  Bytes in: 0 B\n  Bytes out: 0 B\n"
          "  Latency p50: -\n  Latency p99: -\n");
}

TEST_CASE("stats of one tunnel shows it also when it is not connected") {
    served f;
    stats_options o;
    for (const char* name : {"old", "tun_old", "OLD", "old.t.example.com"}) {
        o.name = name;
        CHECK(status_of(f.run(run_stats, o)) == 0);
    }
    CHECK(
        f.out.text().starts_with("https://old.t.example.com:8443 -> localhost:3000\n  Status: offline\n  Uptime: -\n"));
    o.name = "none";
    CHECK(status_of(f.run(run_stats, o)) == 6);
}

TEST_CASE("on a terminal the figures have bars, the longest for the largest") {
    served f;
    f.person_at_terminal();
    f.env.utf8 = true;
    CHECK(status_of(f.run<stats_options>(run_stats)) == 0);
    std::string whole;
    for (int i = 0; i < 24; ++i)
        whole += "█";
    std::string half;
    for (int i = 0; i < 12; ++i)
        half += "█";
    CHECK(f.out.text().find("  Requests:    100       " + whole + "\n") != std::string::npos);
    CHECK(f.out.text().find("  Requests:    50        " + half + "\n") != std::string::npos);
    CHECK(f.out.text().find("  Bytes in:    0 B\n") != std::string::npos);
}

TEST_CASE("stats for programs is one object") {
    served f;
    f.globals.json = true;
    CHECK(status_of(f.run<stats_options>(run_stats)) == 0);
    const auto text = f.out.text();
    CHECK(text.starts_with(R"({"event":"stats","plan":"pro","tunnels_created":3,"requests_served":345,)"));
    CHECK(text.find(R"("uptime_seconds":11520,"requests":100,"bytes_in":1200000,"bytes_out":3400000,)"
                    R"("latency_p50_ms":12.200,"latency_p99_ms":80.500)") != std::string::npos);
    CHECK(text.find(R"("latency_p50_ms":null)") != std::string::npos);
    CHECK(text.find('\n') == text.size() - 1);
}

TEST_CASE("ls keeps its lines and adds figures; status is a table") {
    served f;
    CHECK(status_of(f.run<list_options>(run_list)) == 0);
    CHECK(
        f.out.text().starts_with("Active Tunnels (2)\n"
                                 "https://demo.t.example.com:8443 -> localhost:3000\n"
                                 "  Subdomain: demo  Status: online  Requests: 100  Created: 2026-11-22T11:59:00Z\n"
                                 "  Uptime: 3h 12m  In: 1.2 MB  Out: 3.4 MB  Latency: p50 12ms, p99 81ms\n"));
    served table;
    CHECK(status_of(table.run(run_list, list_options{true})) == 0);
    CHECK(table.out.text().starts_with(
        "ID        SUBDOMAIN  PORT  URL                              STATUS  UPTIME  REQUESTS"));
    CHECK(table.out.text().find("\ntun_demo  demo       3000  https://demo.t.example.com:8443  online  3h 12m") !=
          std::string::npos);
    table.server.replies["GET /v1/tunnels"] = {200, R"({"tunnels":[]})"};
    CHECK(status_of(table.run(run_list, list_options{true})) == 0);
    CHECK(table.out.text().ends_with("No active tunnels\n"));
}

TEST_CASE("a bar is as long as its share, and what is more than nothing is seen") {
    CHECK(bar(0, 10, 4).empty());
    CHECK(bar(5, 0, 4).empty());
    CHECK(bar(10, 10, 4) == "████");
    CHECK(bar(5, 10, 4) == "██");
    CHECK(bar(0.0001, 10, 4) == "▏");
    CHECK(bar(11, 10, 2) == "██");
    CHECK(bar(1.5, 8, 8) == "█▌");
}

TEST_CASE("share prints three texts with the address of the one tunnel there is, else with a place for it") {
    const auto run_it = [](cli_fixture& f) {
        terminal term(f.in.fd(), f.out.fd(), f.err.fd(), f.traits);
        const auto profiles = f.store();
        auto c = f.context_for(term, profiles);
        return status_of(run_share(c));
    };
    CHECK(share_texts("https://x").size() == 3);
    cli_fixture nobody;
    CHECK(run_it(nobody) == 0);
    CHECK(nobody.out.text().find("[TUNNEL_URL]") != std::string::npos);
    served one;
    one.server.replies["GET /v1/tunnels"] = {
        200, R"({"tunnels":[)" + listed_tunnel("demo", "online", R"("requests":1)") + "]}"};
    CHECK(run_it(one) == 0);
    CHECK(one.out.text().find("https://demo.t.example.com:8443") != std::string::npos);
    CHECK(one.out.text().find("[TUNNEL_URL]") == std::string::npos);
    served several;
    CHECK(run_it(several) == 0);
    CHECK(several.out.text().find("[TUNNEL_URL]") != std::string::npos);
}
