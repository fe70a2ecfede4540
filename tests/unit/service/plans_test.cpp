#include "instatunnel/service/plans.hpp"

#include "catch_outcome.hpp"
#include "instatunnel/service/admin.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

// Accounts that sign up have the plan "pro".
void limit(service_fixture& f, const std::vector<std::string>& settings) {
    REQUIRE(set_plan(f.folder.path(), "pro", settings));
    f.wait_for_ticks();
}

live_tunnel connected_now(const granted_tunnel& t) {
    live_tunnel now;
    now.tunnel_id = t.tunnel_id;
    now.account_id = t.account_id;
    now.name = t.name;
    now.connected_at_us = wall_now().time_since_epoch().count();
    return now;
}

}  // namespace

TEST_CASE("an edge starts with plans that allow everything") {
    service_fixture f;
    const auto plans = list_plans(f.folder.path()).value();
    REQUIRE(plans.size() == 3);
    for (const auto& p : plans) {
        CHECK_FALSE(p.tunnels);
        CHECK_FALSE(p.names);
        CHECK_FALSE(p.calls_per_minute);
        CHECK(p.mcp);
        CHECK(p.custom_domains);
    }
    CHECK(plans[0].name == "free");
    const auto user = f.call("GET", "/v1/auth/user", f.sign_up("ann@example.com"));
    CHECK(user.body["limits"] == json{{"tunnels", nullptr},
                                      {"names", nullptr},
                                      {"mcp", true},
                                      {"custom_domains", true},
                                      {"requests_per_minute", nullptr}});
}

TEST_CASE("a plan is set in parts and reset as a whole") {
    service_fixture f;
    const auto& folder = f.folder.path();
    REQUIRE(set_plan(folder, "free", {"tunnels=3", "mcp=no"}));
    const auto set = set_plan(folder, "free", {"names=0", "custom-domains=no", "rate=120", "tunnels=1"}).value();
    CHECK(set.tunnels == 1);
    CHECK(set.names == 0);
    CHECK(set.calls_per_minute == 120);
    CHECK_FALSE(set.mcp);
    CHECK_FALSE(set.custom_domains);
    CHECK_FALSE(set_plan(folder, "free", {"tunnels=unlimited"}).value().tunnels);
    CHECK_FALSE(list_plans(folder).value()[1].names);  // pro is as it was
    const auto reset = reset_plan(folder, "free").value();
    CHECK_FALSE(reset.names);
    CHECK(reset.mcp);
}

TEST_CASE("what is no rule of a plan is refused and nothing is changed") {
    service_fixture f;
    const auto& folder = f.folder.path();
    for (const char* wrong : {"tunnels", "tunnels=", "tunnels=-1", "tunnels=1.5", "tunnels=1000001", "tunnels=many",
                              "tunel=1", "=1", "", "mcp=1", "mcp=", "mcp=maybe", "rate=0", "tunnels=1 "}) {
        CAPTURE(wrong);
        CHECK(set_plan(folder, "free", {"names=1", wrong}).error().code == errc::usage);
    }
    CHECK(set_plan(folder, "gold", {"names=1"}).error().code == errc::usage);
    CHECK(reset_plan(folder, "").error().code == errc::usage);
    CHECK_FALSE(list_plans(folder).value()[0].names);
    CHECK(set_plan(folder / "nothing", "free", {"names=1"}).error().code == errc::file_missing);
}

TEST_CASE("no more tunnels at once than the plan allows, and the client is told how many there are") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    limit(f, {"tunnels=1"});
    const auto first = f.admit(key, "one");
    REQUIRE(first);
    f.edge.set_live({connected_now(*first)});
    const auto refused = f.admit(key, "two");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::plan_limit);
    CHECK(refused.error().what() == "The plan \"pro\" allows 1 tunnel at once, and 1 is in use");
    CHECK(exit_code_for(refused.error().code) == exit_code::not_permitted);
    CHECK(f.admit(key, "").error().code == errc::plan_limit);    // a random name is a tunnel too
    CHECK(f.call("GET", "/v1/tunnels/two", key).status == 404);  // a refused start leaves nothing behind

    CHECK(f.admit(key, "one", "another-process"));  // takes the name over: still one tunnel
    const auto bob = f.sign_up("bob@example.com");
    CHECK(f.admit(bob, "bobs"));  // everybody has their own count

    f.edge.set_live({});
    CHECK(f.admit(key, "two"));
}

TEST_CASE("a tunnel that comes back with its random name is no further one") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    limit(f, {"tunnels=1", "names=0"});
    const auto first = f.admit(key, "", "i1");
    REQUIRE(first);
    f.edge.set_live({connected_now(*first)});
    CHECK(f.admit(key, "", "i1"));
    const auto again = f.admit(key, first->name, "i1");  // as our client asks after a reconnect
    REQUIRE(again);
    CHECK(again->tunnel_id == first->tunnel_id);
    CHECK(f.call("GET", "/v1/names", key).body["names"][0]["kind"] == "random");
    // Another process asks for it by name: that would be a name to keep.
    CHECK(f.admit(key, first->name, "i2").error().code == errc::plan_limit);
}

TEST_CASE("an edge that does not answer lets nobody pass the limit") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    limit(f, {"tunnels=5"});
    f.edge.fall_silent();
    CHECK(f.admit(key, "one").error().code == errc::busy);
    CHECK(is_error(f.call("POST", "/v1/tunnels", key, {{"name", "one"}}), 503, "unavailable", 5003));
}

TEST_CASE("no more names than the plan allows") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    limit(f, {"names=1"});
    REQUIRE(f.admit(key, "one"));
    CHECK(f.admit(key, "one"));
    const auto refused = f.admit(key, "two");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::plan_limit);
    CHECK(refused.error().what() == "The plan \"pro\" allows 1 name of your own, and 1 is in use");
    CHECK(f.admit(key, "", "i9"));  // random names are not counted

    const auto bob = f.sign_up("bob@example.com");
    REQUIRE(f.admit(bob, "bobs"));
    CHECK(f.admit(key, "bobs").error().code == errc::name_taken);  // rather than a limit that would not help

    CHECK(f.call("DELETE", "/v1/names/one", key).status == 204);
    CHECK(f.admit(key, "two"));
}

TEST_CASE("MCP tunnels can be kept out of a plan") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto ask = [&](bool mcp) {
        tunnel_claim claim;
        claim.key = secret(key);
        claim.name = "demo";
        claim.mcp = mcp;
        return f.admit(std::move(claim));
    };
    CHECK(ask(true));
    limit(f, {"mcp=no"});
    const auto refused = ask(true);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::plan_limit);
    CHECK(refused.error().what() == "The plan \"pro\" does not allow MCP tunnels");
    CHECK(ask(false));
}

TEST_CASE("the API refuses tunnels beyond the plan and names plan and limit") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    limit(f, {"tunnels=2", "names=1"});
    REQUIRE(f.call("POST", "/v1/tunnels", key, {{"name", "one"}}).status == 201);
    auto r = f.call("POST", "/v1/tunnels", key, {{"name", "two"}});
    CHECK(is_error(r, 403, "forbidden", 4003));
    CHECK(r.body["plan"] == "pro");
    CHECK(r.body["limit"] == "names");
    CHECK(r.body["message"] == "The plan \"pro\" allows 1 name of your own, and 1 is in use");
    CHECK_FALSE(r.body.contains("support"));
    CHECK_FALSE(r.body.contains("required_scope"));
    CHECK(f.call("POST", "/v1/tunnels", key).body["limit"] == "names");  // a name made up here stays too

    limit(f, {"names=unlimited", "tunnels=0"});
    r = f.call("POST", "/v1/tunnels", key, {{"name", "two"}});
    CHECK(is_error(r, 403, "forbidden", 4003));
    CHECK(r.body["limit"] == "tunnels");
    CHECK(r.body["message"] == "The plan \"pro\" allows no tunnels at once");
    CHECK(f.call("POST", "/v1/tunnels", key, {{"name", "-"}}).status == 422);  // what can never work is said first
}

TEST_CASE("the plan's rate counts the calls of all keys of an account, on the same machine too") {
    service_fixture f;
    f.address = "127.0.0.1";
    const auto key = f.sign_up("ann@example.com");
    const auto other = f.key_with(key, {"tunnels:write"});
    const auto bob = f.sign_up("bob@example.com");
    limit(f, {"rate=3"});
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
    const auto second = f.call("GET", "/v1/auth/user", other);
    CHECK(second.status == 200);
    CHECK(second.field("RateLimit-Limit") == "3");
    CHECK(second.field("RateLimit-Remaining") == "1");
    REQUIRE(f.admit(key, "demo"));
    const auto refused = f.call("GET", "/v1/auth/user", key);
    CHECK(is_error(refused, 429, "rate_limited", 4029));
    CHECK(refused.body["retry_after"] == 20);
    CHECK(f.admit(key, "demo").error().code == errc::rate_limited);
    CHECK(f.call("GET", "/v1/auth/user", bob).status == 200);
    limit(f, {"rate=unlimited"});
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
}

TEST_CASE("a changed plan holds at once and for the accounts of that plan only") {
    service_fixture f;
    const auto added = add_user(f.folder.path(), "free@example.com", secret("correct horse"), "", "free");
    REQUIRE(added);
    const auto login =
        f.call("POST", "/v1/auth/login", "", {{"email", "free@example.com"}, {"password", "correct horse"}});
    const std::string key = login.body["api_key"];
    limit(f, {"names=0"});
    CHECK(f.admit(key, "one"));
    REQUIRE(set_plan(f.folder.path(), "free", {"names=1"}));
    f.wait_for_ticks();
    CHECK(f.admit(key, "two").error().code == errc::plan_limit);
    REQUIRE(reset_plan(f.folder.path(), "free"));
    f.wait_for_ticks();
    CHECK(f.admit(key, "two"));
}

TEST_CASE("the owner's contact is where limits are, and only there") {
    service_fixture f;
    f.options.support_contact = "https://help.example.com/?a=1&b=2";
    f.restart();
    const auto key = f.sign_up("ann@example.com");
    limit(f, {"tunnels=0"});
    CHECK(f.call("GET", "/v1/meta").body["support"] == f.options.support_contact);
    CHECK(f.call("POST", "/v1/tunnels", key, {{"name", "x"}}).body["support"] == f.options.support_contact);
    const auto refused = f.admit(key, "x");
    CHECK(std::string(refused.error().what_next()).ends_with("or ask for more: https://help.example.com/?a=1&b=2"));
    const auto limited = f.key_with(key, {"tunnels:read"});
    CHECK_FALSE(f.call("POST", "/v1/tunnels", limited, {{"name", "x"}}).body.contains("support"));
    CHECK_FALSE(f.call("GET", "/v1/nothing").body.contains("support"));
    for (int i = 0; i < 11; ++i)
        f.call("POST", "/v1/auth/login", "", {{"email", "x@example.com"}, {"password", "wrong"}});
    const auto often = f.call("POST", "/v1/auth/login", "", {{"email", "x@example.com"}, {"password", "wrong"}});
    CHECK(often.status == 429);
    CHECK(often.body["support"] == f.options.support_contact);
}

TEST_CASE("without a contact nothing is made up") {
    service_fixture f;
    CHECK(f.call("GET", "/v1/meta").body["support"].is_null());
}

TEST_CASE("usage is told in words and in exact numbers") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "demo");
    REQUIRE(granted);
    f.edge.set_live({connected_now(*granted)});
    f.subject->record_usage(granted->tunnel_id, 7, 1000, 1'400'000);
    const json expected = {{"tunnels_created", 1}, {"data_transferred", "1.4 MB"}, {"requests_served", 7},
                           {"bytes_in", 1000},     {"bytes_out", 1'400'000},       {"bytes_transferred", 1'401'000},
                           {"tunnels_online", 1}};
    CHECK(f.call("GET", "/v1/auth/user", key).body["usage"] == expected);
    const auto usage = f.call("GET", "/v1/account/usage", key);
    CHECK(usage.status == 200);
    CHECK(usage.body["usage"] == expected);
    CHECK(usage.body["since"] == f.call("GET", "/v1/auth/user", key).body["created_at"]);
    const auto plan = f.call("GET", "/v1/account/plan", key);
    CHECK(plan.body["plan"] == "pro");
    CHECK(plan.body["limits"] == f.call("GET", "/v1/auth/user", key).body["limits"]);
    CHECK(plan.body["in_use"] == json{{"tunnels", 1}, {"names", 1}});
}

TEST_CASE("plan, usage and statistics each want their permission") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    REQUIRE(f.admit(key, "demo"));
    const auto none = f.key_with(key, {"account:read"});
    const auto asks_for = [&](const char* path, const char* scope) {
        const auto refused = f.call("GET", path, none);
        CHECK(refused.status == 403);
        CHECK(refused.body["required_scope"] == scope);
        CHECK(f.call("GET", path, f.key_with(key, {scope})).status == 200);
    };
    asks_for("/v1/account/plan", "billing:read");
    asks_for("/v1/account/usage", "analytics:read");
    asks_for("/v1/tunnels/demo/stats", "tunnels:stats");
    asks_for("/v1/names", "tunnels:read");
}

TEST_CASE("statistics of a tunnel say what was counted, and null where nothing was") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "demo");
    REQUIRE(granted);
    f.subject->record_usage(granted->tunnel_id, 3, 60, 2000);
    auto idle = f.call("GET", "/v1/tunnels/demo/stats", key);
    CHECK(idle.status == 200);
    CHECK(idle.body["status"] == "offline");
    CHECK(idle.body["requests"] == 3);
    CHECK(idle.body["bytes_in"] == 60);
    CHECK(idle.body["bytes_out"] == 2000);
    for (const char* member :
         {"connected_since", "uptime_seconds", "open_requests", "last_request_at", "round_trip_ms"})
        CHECK(idle.body[member].is_null());

    auto now = connected_now(*granted);
    const auto connected = f.settings.now() - std::chrono::seconds(90);
    now.connected_at_us = connected.time_since_epoch().count();
    f.edge.set_live({now});
    auto fresh = f.call("GET", "/v1/tunnels/" + granted->tunnel_id + "/stats", key);
    CHECK(fresh.body["status"] == "online");
    CHECK(fresh.body["uptime_seconds"] == 90);
    CHECK(fresh.body["connected_since"] == to_rfc3339(connected));
    CHECK(fresh.body["open_requests"] == 0);
    CHECK(fresh.body["last_request_at"].is_null());
    CHECK(fresh.body["round_trip_ms"].is_null());

    now.open_requests = 2;
    now.round_trip_us = 12'500;
    now.last_request_at_us = 1'700'000'000'000'000;
    f.edge.set_live({now});
    auto busy = f.call("GET", "/v1/tunnels/demo/stats", key);
    CHECK(busy.body["open_requests"] == 2);
    CHECK(busy.body["round_trip_ms"] == 12.5);
    CHECK(busy.body["last_request_at"] == "2023-11-14T22:13:20Z");

    const auto bob = f.sign_up("bob@example.com");
    CHECK(f.call("GET", "/v1/tunnels/" + granted->tunnel_id + "/stats", bob).status == 404);
}
