#include "cli/logs.hpp"

#include "catch_outcome.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;
using test::stored_key;

namespace {

const auto log_noon = *parse_rfc3339("2026-11-22T12:00:00Z");

constexpr const char* two_requests =
    R"({"requests":[{"at":"2026-11-22T11:59:00.25Z","tunnel":"demo","tunnel_id":"tun_1","method":"GET","path":"/a",)"
    R"("path_cut":false,"status":200,"complete":true,"bytes_in":0,"bytes_out":1234,"ms":12.4},)"
    R"({"at":"2026-11-22T11:59:30Z","tunnel":"demo","tunnel_id":"tun_1","method":"POST","path":"/\u001b[31mb",)"
    R"("path_cut":true,"status":null,"complete":false,"bytes_in":5,"bytes_out":0,"ms":0.007}],"next":"r-2","gap":false})";

}  // namespace

TEST_CASE("what logs asks for is planned from its flags") {
    CHECK(plan_logs({}, log_noon)->limit == 100);
    logs_options o;
    o.name = "demo";
    o.since = "10m";
    o.status = "4xx,503";
    o.path = "/api/*";
    const auto asked = plan_logs(o, log_noon);
    REQUIRE(asked);
    CHECK(asked->tunnel == "demo");
    CHECK(asked->since == "2026-11-22T11:50:00Z");
    CHECK(asked->status == "4xx,503");
    CHECK(asked->path == "/api/*");
    CHECK(asked->limit == 1000);
    o.lines = "7";
    CHECK(plan_logs(o, log_noon)->limit == 7);
    o.since = "2026-11-22T10:00:00+01:00";
    CHECK(plan_logs(o, log_noon)->since == o.since);
}

TEST_CASE("wrong flags of logs are wrong usage, before anything is sent") {
    const auto refused = [](auto set) {
        logs_options o;
        set(o);
        const auto plan = plan_logs(o, log_noon);
        return !plan && plan.error().code == errc::usage;
    };
    CHECK(refused([](auto& o) { o.since = "yesterday"; }));
    CHECK(refused([](auto& o) { o.since = "10 m"; }));
    CHECK(refused([](auto& o) { o.status = "fine"; }));
    CHECK(refused([](auto& o) { o.lines = "0"; }));
    CHECK(refused([](auto& o) { o.lines = "1001"; }));
    CHECK(refused([](auto& o) { o.lines = "x"; }));
    CHECK(refused([](auto& o) { o.path = std::string(257, 'x'); }));
}

TEST_CASE("requests are printed one a line, and nothing in them can steer a terminal") {
    cli_fixture f;
    f.store_profile("default", stored_key, "https://api.t.example.com");
    f.server.replies["GET /v1/logs?limit=100"] = {200, two_requests};
    CHECK(status_of(f.run<logs_options>(run_logs)) == 0);
    CHECK(f.out.text() ==
          "2026-11-22T11:59:00Z demo GET /a 200 OK 1.2 kB 12ms\n"
          "2026-11-22T11:59:30Z demo POST /?[31mb… reset 0 B 0ms (cut off)\n");
}

TEST_CASE("with --json a request is an event") {
    cli_fixture f;
    f.globals.json = true;
    f.store_profile("default", stored_key, "https://api.t.example.com");
    f.server.replies["GET /v1/tunnels/demo/requests?limit=5"] = {200, two_requests};
    logs_options o;
    o.name = "demo";
    o.lines = "5";
    CHECK(status_of(f.run(run_logs, o)) == 0);
    CHECK(f.out.text().starts_with(
        R"({"event":"request","at":"2026-11-22T11:59:00.25Z","tunnel":"demo","tunnel_id":"tun_1","method":"GET",)"
        R"("path":"/a","path_cut":false,"status":200,"complete":true,"bytes_in":0,"bytes_out":1234,"ms":12.400})"
        "\n"));
    CHECK(f.out.text().find(R"("status":null)") != std::string::npos);
    CHECK(f.out.text().find(R"("ms":0.007)") != std::string::npos);
}

TEST_CASE("a tunnel that is not the account's, and a key without the permission, are told") {
    cli_fixture f;
    f.store_profile("default", stored_key, "https://api.t.example.com");
    f.server.replies["GET /v1/tunnels/demo/requests?limit=100"] = {
        404, R"({"error":"not_found","message":"There is no such tunnel in this account","code":4004})"};
    logs_options o;
    o.name = "demo";
    CHECK(status_of(f.run(run_logs, o)) == 6);
    f.server.replies["GET /v1/logs?limit=100"] = {
        403,
        R"({"error":"forbidden","message":"Insufficient permissions for this operation","required_scope":"logs:read","code":4003})"};
    CHECK(status_of(f.run<logs_options>(run_logs)) == 4);
    CHECK(f.err.text().find("logs:read") != std::string::npos);
}
