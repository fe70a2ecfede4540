#include "catch_outcome.hpp"
#include "instatunnel/base/clock.hpp"
#include "service/route_table.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

TEST_CASE("a created tunnel is offline until a client connects to it") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/tunnels", key, {{"name", "Demo"}, {"target", "localhost:3000"}});
    REQUIRE(r.status == 201);
    CHECK(r.body["id"].get<std::string>().starts_with("tun_"));
    CHECK(r.body["name"] == "demo");
    CHECK(r.body["subdomain"] == "demo");
    CHECK(r.body["host"] == "demo.t.example.com");
    CHECK(r.body["url"] == "https://demo.t.example.com:8443");
    CHECK(r.body["target"] == "localhost:3000");
    CHECK(r.body["status"] == "offline");
    CHECK(r.body["connected_at"].is_null());
    CHECK(r.body["requests"] == 0);
    CHECK(r.body["proto"] == "http");
    CHECK(r.body["port"].is_null());
    CHECK(r.body.size() == 17);

    instatunnel::service::tunnel_claim claim;
    claim.key = secret(key);
    claim.existing_host = "demo.t.example.com";
    const auto granted = f.admit(std::move(claim));
    REQUIRE(granted);
    CHECK(granted->tunnel_id == r.body["id"]);
}

TEST_CASE("a tunnel without a name gets a made-up one, also from an empty body") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/tunnels", key);
    REQUIRE(r.status == 201);
    CHECK(r.body["name"].get<std::string>().size() >= 14);
}

TEST_CASE("tunnel creation refuses names with the status of the reason") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    REQUIRE(f.call("POST", "/v1/tunnels", ann, {{"name", "demo"}}).status == 201);
    const auto taken = f.call("POST", "/v1/tunnels", bob, {{"name", "demo"}});
    CHECK(is_error(taken, 409, "conflict", 4009));
    CHECK(taken.body["message"] == "subdomain already taken: \"demo\" belongs to another account");
    CHECK(taken.body["field"] == "name");
    CHECK(is_error(f.call("POST", "/v1/tunnels", ann, {{"name", "demo"}}), 409, "conflict", 4009));
    CHECK(is_error(f.call("POST", "/v1/tunnels", ann, {{"name", "www"}}), 409, "conflict", 4009));
    CHECK(is_error(f.call("POST", "/v1/tunnels", ann, {{"name", "-x"}}), 422, "invalid", 4022));
    CHECK(is_error(f.call("POST", "/v1/tunnels", ann, {{"name", 7}}), 400, "bad_request", 4000));
    CHECK(f.call("POST", "/v1/tunnels", ann, {{"target", "a\nb"}}).body["field"] == "target");
}

TEST_CASE("the list merges what the edge knows over what is stored") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    f.call("POST", "/v1/tunnels", key, {{"name", "idle"}, {"target", "localhost:1"}});
    const auto granted = f.admit(key, "demo");
    REQUIRE(granted);
    instatunnel::service::live_tunnel live;
    live.tunnel_id = granted->tunnel_id;
    live.account_id = granted->account_id;
    live.name = "demo";
    live.target = "localhost:4000";
    live.connected_at_us = 1'700'000'000'000'000;
    live.requests = 5;
    live.bytes_in = 100;
    live.bytes_out = 900;
    f.edge.set_live({live});
    f.subject->record_usage(granted->tunnel_id, 3, 60, 2000);

    const auto r = f.call("GET", "/v1/tunnels", key);
    REQUIRE(r.body["tunnels"].size() == 2);
    json demo, idle;
    for (const auto& t : r.body["tunnels"])
        (t["name"] == "demo" ? demo : idle) = t;
    CHECK(demo["status"] == "online");
    CHECK(demo["target"] == "localhost:4000");
    CHECK(demo["connected_at"] == "2023-11-14T22:13:20Z");
    CHECK(demo["requests"] == 5);
    CHECK(demo["bytes_in"] == 100);
    CHECK(demo["bytes_out"] == 2000);
    CHECK(idle["status"] == "offline");

    f.edge.set_live({});
    const auto after = f.call("GET", "/v1/tunnels/demo", key);
    CHECK(after.body["status"] == "offline");
    CHECK(after.body["requests"] == 3);
    CHECK(after.body["target"] == "localhost:3000");
}

TEST_CASE("usage counters are real and survive the tunnel and a restart") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "demo");
    REQUIRE(granted);
    f.subject->record_usage(granted->tunnel_id, 2, 1000, 1'400'000);
    f.subject->record_usage(granted->tunnel_id, 1, 0, 999'000);
    REQUIRE(f.call("DELETE", "/v1/tunnels/demo", key).status == 204);
    f.subject->record_usage(granted->tunnel_id, 1, 0, 0);
    f.restart();
    const auto usage = f.call("GET", "/v1/auth/user", key).body["usage"];
    CHECK(usage["tunnels_created"] == 1);
    CHECK(usage["data_transferred"] == "2.4 MB");
    CHECK(usage["requests_served"] == 4);
}

TEST_CASE("one tunnel is found by id, name and host") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "demo");
    REQUIRE(granted);
    for (const std::string& id : {granted->tunnel_id, std::string("demo"), std::string("DEMO"),
                                  std::string("demo.t.example.com"), std::string("Demo.T.example.com.")}) {
        const auto r = f.call("GET", "/v1/tunnels/" + id, key);
        CHECK(r.status == 200);
        CHECK(r.body["id"] == granted->tunnel_id);
    }
    CHECK(is_error(f.call("GET", "/v1/tunnels/other", key), 404, "not_found", 4004));
    const auto stranger = f.sign_up("bob@example.com");
    CHECK(is_error(f.call("GET", "/v1/tunnels/" + granted->tunnel_id, stranger), 404, "not_found", 4004));
}

TEST_CASE("deleting a tunnel closes its session and keeps the name with the account") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    const auto granted = f.admit(ann, "demo");
    REQUIRE(granted);
    CHECK(is_error(f.call("DELETE", "/v1/tunnels/demo", bob), 404, "not_found", 4004));
    CHECK(f.edge.closed_tunnels().empty());
    CHECK(f.call("DELETE", "/v1/tunnels/demo.t.example.com", ann).status == 204);
    REQUIRE(f.edge.closed_tunnels().size() == 1);
    CHECK(f.edge.closed_tunnels()[0] == std::pair(granted->tunnel_id, errc::tunnel_closed));
    CHECK(f.call("GET", "/v1/tunnels/demo", ann).status == 404);
    CHECK(f.call("GET", "/v1/tunnels", ann).body["tunnels"].empty());
    CHECK(f.admit(bob, "demo").error().code == errc::name_taken);
    const auto again = f.admit(ann, "demo");
    REQUIRE(again);
    CHECK(again->tunnel_id != granted->tunnel_id);
}

TEST_CASE("health and meta need no key") {
    service_fixture f;
    CHECK(f.call("GET", "/health").body == json({{"status", "ok"}}));
    CHECK(f.call("GET", "/v1/health").status == 200);
    const auto head = f.call("HEAD", "/health");
    CHECK(head.status == 200);
    CHECK(head.text.empty());
    const auto meta = f.call("GET", "/v1/meta").body;
    CHECK(meta["version"] == "0.1.0");
    CHECK(meta["domain"] == "t.example.com");
    CHECK(meta["transports"] == json({"v2", "v1"}));
    CHECK(meta["limits"]["requests_per_minute_per_key"] == 600);
}

TEST_CASE("every route works with and without /v1, and asks for a key where the table says so") {
    service_fixture f;
    f.options.limits.calls_without_key = {1000};
    f.restart();
    for (const auto& r : instatunnel::service::routes()) {
        for (const char* prefix : {"", "/v1"}) {
            auto path = prefix + std::string(r.pattern);
            if (const auto at = path.find(":id"); at != std::string::npos) path.replace(at, 3, "x");
            // The names of hosts that are not there are 404 by design.
            if (path.find("/tunnels/domain/") != std::string::npos) continue;
            const auto answer = f.call(std::string(r.method), path);
            INFO(r.method << " " << path << " " << answer.text);
            CHECK(answer.status != 404);
            CHECK(answer.status != 405);
            CHECK((answer.status == 401) == (r.access == instatunnel::service::route_access::key ||
                                             r.access == instatunnel::service::route_access::key_or_none));
        }
    }
}

TEST_CASE("unknown paths are 404, known ones with another method 405 with Allow") {
    service_fixture f;
    for (const char* path :
         {"/", "/v1", "/v1/", "/v1/v1/health", "/tunnels/", "/tunnels/a/b", "/healthz", "/auth/keys/", "", "/v1health"})
        CHECK(is_error(f.call("GET", path), 404, "not_found", 4004));
    const auto r = f.call("PATCH", "/v1/tunnels");
    CHECK(is_error(r, 405, "method_not_allowed", 4005));
    CHECK(r.field("Allow") == "POST, GET, HEAD");
    CHECK(f.call("GET", "/auth/keys/x/rotate").field("Allow") == "POST");
}
