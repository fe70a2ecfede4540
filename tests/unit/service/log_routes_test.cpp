#include <algorithm>
#include <future>

#include "catch_outcome.hpp"
#include "instatunnel/service/request_log.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

struct visited {
    service_fixture f;
    std::string key = f.sign_up("ann@example.com");
    granted_tunnel tunnel = *f.admit(key, "demo");

    void visit(std::string_view path, std::uint16_t status = 200) { visit(tunnel, path, status); }
    void visit(const granted_tunnel& t, std::string_view path, std::uint16_t status = 200) {
        logged_request r;
        r.of = std::make_shared<const logged_tunnel>(logged_tunnel{t.account_id, t.tunnel_id, t.name});
        r.name("GET", path);
        r.began_us = f.settings.now().time_since_epoch().count();
        r.status = status;
        r.took_us = 1500;
        r.bytes_out = 7;
        r.is_whole = true;
        f.subject->requests().add(r);
    }
    reply ask(const std::string& query = "") { return ask_with(key, query); }
    reply ask_with(const std::string& other_key, const std::string& query) {
        api_request request;
        request.method = "GET";
        request.path = "/v1/logs";
        request.query = query.substr(std::min<std::size_t>(1, query.size()));
        request.remote_address = service_fixture::remote;
        request.fields.emplace_back("Authorization", "Bearer " + other_key);
        return f.call_raw(std::move(request));
    }
};

std::vector<std::string> paths_in(const reply& r) {
    std::vector<std::string> paths;
    for (const auto& one : r.body["requests"])
        paths.push_back(one["path"]);
    return paths;
}

}  // namespace

TEST_CASE("an account reads the requests of its tunnels, and of nobody else's") {
    visited v;
    const auto other = v.f.sign_up("ben@example.com");
    const auto theirs = v.f.admit(other, "shop");
    REQUIRE(theirs);
    v.visit("/mine?secret=1");
    v.visit(*theirs, "/theirs", 404);
    const auto mine = v.ask();
    REQUIRE(mine.status == 200);
    REQUIRE(mine.body["requests"].size() == 1);
    const auto& row = mine.body["requests"][0];
    CHECK(row["path"] == "/mine");
    CHECK(row["tunnel"] == "demo");
    CHECK(row["tunnel_id"] == v.tunnel.tunnel_id);
    CHECK(row["status"] == 200);
    CHECK(row["ms"] == 1.5);
    CHECK(row["bytes_out"] == 7);
    CHECK(row["complete"] == true);
    CHECK(mine.text.find("secret") == std::string::npos);
    CHECK(paths_in(v.f.call("GET", "/v1/logs", other)) == std::vector<std::string>{"/theirs"});
    CHECK(v.f.call("GET", "/v1/tunnels/shop/requests", v.key).status == 404);
    CHECK(paths_in(v.f.call("GET", "/v1/tunnels/shop/requests", other)) == std::vector<std::string>{"/theirs"});
}

TEST_CASE("reading the log takes the permission logs:read") {
    visited v;
    const auto weak = v.f.key_with(v.key, {"tunnels:read", "tunnels:stats"});
    for (const char* path : {"/v1/logs", "/v1/tunnels/demo/requests"}) {
        const auto refused = v.f.call("GET", path, weak);
        CHECK(refused.status == 403);
        CHECK(refused.body["required_scope"] == "logs:read");
        CHECK(v.f.call("GET", path, "").status == 401);
        CHECK(v.f.call("GET", path, v.f.key_with(v.key, {"logs:read"})).status == 200);
    }
}

TEST_CASE("a request that nobody answered has no status") {
    visited v;
    v.visit("/left", 0);
    CHECK(v.ask().body["requests"][0]["status"].is_null());
}

TEST_CASE("filters narrow the log, and wrong ones are named") {
    visited v;
    v.visit("/api/1");
    v.visit("/api/2", 503);
    v.visit("/page", 404);
    CHECK(paths_in(v.ask("?path=%2Fapi%2F")) == std::vector<std::string>{"/api/1", "/api/2"});
    CHECK(paths_in(v.ask("?status=4xx,503")) == std::vector<std::string>{"/api/2", "/page"});
    CHECK(paths_in(v.ask("?limit=1")) == std::vector<std::string>{"/page"});
    CHECK(paths_in(v.ask("?since=2000-01-01T00:00:00Z")).size() == 3);
    CHECK(paths_in(v.ask("?since=2999-01-01T00:00:00Z")).empty());
    for (const auto& [query, field] : std::vector<std::pair<std::string, std::string>>{{"?limit=0", "limit"},
                                                                                       {"?limit=1001", "limit"},
                                                                                       {"?wait=26", "wait"},
                                                                                       {"?wait=x", "wait"},
                                                                                       {"?since=yesterday", "since"},
                                                                                       {"?status=fine", "status"},
                                                                                       {"?path=", "path"},
                                                                                       {"?after=x", "after"},
                                                                                       {"?after=-1", "after"},
                                                                                       {"?after=a-b", "after"}}) {
        const auto wrong = v.ask(query);
        INFO(query);
        CHECK(is_error(wrong, 422, "invalid", 4022));
        CHECK(wrong.body["field"] == field);
    }
}

TEST_CASE("whoever follows gets what came since, and nothing twice") {
    visited v;
    v.visit("/1");
    const std::string next = v.ask().body["next"];
    CHECK(paths_in(v.ask("?after=" + next)).empty());
    v.visit("/2");
    v.visit("/3");
    const auto page = v.ask("?after=" + next + "&limit=1");
    CHECK(paths_in(page) == std::vector<std::string>{"/2"});
    CHECK(page.body["gap"] == false);
    CHECK(paths_in(v.ask("?after=" + page.body["next"].get<std::string>())) == std::vector<std::string>{"/3"});
}

TEST_CASE("a position from before a restart gives all there is, and says that some may be missing") {
    visited v;
    v.visit("/before");
    const std::string next = v.ask().body["next"];
    v.f.restart();
    v.visit("/after");
    const auto page = v.ask("?wait=20&after=" + next);
    CHECK(paths_in(page) == std::vector<std::string>{"/after"});
    CHECK(page.body["gap"] == true);
}

TEST_CASE("a call that waits is answered as soon as a request comes") {
    visited v;
    const std::string next = v.ask().body["next"];
    auto waiting = std::async(std::launch::async, [&] { return v.ask("?wait=25&after=" + next); });
    CHECK(waiting.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    v.visit("/now");
    REQUIRE(waiting.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    CHECK(paths_in(waiting.get()) == std::vector<std::string>{"/now"});
}

TEST_CASE("a call that waits in vain is answered when its time is up") {
    visited v;
    const std::string next = v.ask().body["next"];
    auto waiting = std::async(std::launch::async, [&] { return v.ask("?wait=25&after=" + next); });
    CHECK(waiting.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    v.f.advance(std::chrono::seconds(26));
    REQUIRE(waiting.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    const auto empty = waiting.get();
    CHECK(empty.status == 200);
    CHECK(empty.body["requests"].empty());
}

TEST_CASE("a call that waits is answered when the edge stops, and when its key is revoked") {
    visited v;
    const std::string next = v.ask().body["next"];
    const auto weak = v.f.key_with(v.key, {"logs:read"});
    auto waiting = std::async(std::launch::async, [&] { return v.ask_with(weak, "?wait=25&after=" + next); });
    CHECK(waiting.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    const auto keys = v.f.call("GET", "/v1/auth/keys", v.key).body["keys"];
    for (const auto& k : keys)
        if (k["permissions"] == json({"logs:read"}))
            CHECK(v.f.call("DELETE", "/v1/auth/keys/" + k["id"].get<std::string>(), v.key).status == 204);
    v.visit("/secret");
    REQUIRE(waiting.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    const auto refused = waiting.get();
    CHECK(refused.status == 401);
    CHECK(refused.text.find("/secret") == std::string::npos);

    const std::string later = v.ask().body["next"];
    auto other = std::async(std::launch::async, [&] { return v.ask("?wait=25&after=" + later); });
    CHECK(other.wait_for(std::chrono::milliseconds(200)) == std::future_status::timeout);
    v.f.subject->release_waiting();
    REQUIRE(other.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
    CHECK(other.get().body["requests"].empty());
}

TEST_CASE("only some calls of an account wait at the same time; the others are answered at once") {
    visited v;
    const std::string next = v.ask().body["next"];
    std::vector<std::future<reply>> waiting;
    for (int i = 0; i < 9; ++i)
        waiting.push_back(std::async(std::launch::async, [&] { return v.ask("?wait=25&after=" + next); }));
    const auto answered = [&] {
        return std::ranges::count_if(
            waiting, [](const auto& w) { return w.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
    };
    CHECK(v.f.eventually([&] { return answered() == 1; }));
    v.visit("/now");
    CHECK(v.f.eventually([&] { return answered() == 9; }));
}

TEST_CASE("latencies are shown to keys that may see figures") {
    visited v;
    live_tunnel live;
    live.tunnel_id = v.tunnel.tunnel_id;
    live.account_id = v.tunnel.account_id;
    live.connected_at_us = v.f.settings.now().time_since_epoch().count();
    live.latency_p50_us = 12'000;
    live.latency_p99_us = 80'500;
    v.f.edge.set_live({live});
    const auto row = v.f.call("GET", "/v1/tunnels", v.key).body["tunnels"][0];
    CHECK(row["latency_p50_ms"] == 12.0);
    CHECK(row["latency_p99_ms"] == 80.5);
    CHECK(row["uptime_seconds"] == 0);
    CHECK(v.f.call("GET", "/v1/tunnels/demo/stats", v.key).body["latency_p99_ms"] == 80.5);
    const auto weak = v.f.key_with(v.key, {"tunnels:read"});
    CHECK(v.f.call("GET", "/v1/tunnels", weak).body["tunnels"][0]["latency_p50_ms"].is_null());
    v.f.edge.set_live({});
    CHECK(v.f.call("GET", "/v1/tunnels/demo/stats", v.key).body["latency_p50_ms"].is_null());
}
