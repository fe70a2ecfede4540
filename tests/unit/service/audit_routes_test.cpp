#include <set>

#include "catch_outcome.hpp"
#include "instatunnel/service/admin.hpp"
#include "instatunnel/service/audit.hpp"
#include "service/route_table.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

std::vector<audit_row> events(service_fixture& f, const std::string& action = {}) {
    audit_query query;
    query.action = action;
    return list_audit(f.folder.path(), query, 10000).value();
}

// Waits for nothing: what was noted is written when somebody with a key looks.
void write_notes(service_fixture& f, const std::string& key) {
    REQUIRE(f.call("GET", "/v1/account/audit", key).status == 200);
}

}  // namespace

TEST_CASE("sign-up, sign-in and keys leave who, what, where from, result and target") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto login =
        f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    const std::string second = login.body["api_key"];
    f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "wrong"}});
    f.call("POST", "/v1/auth/login", "", {{"email", "nobody@example.com"}, {"password", "wrong"}});
    const auto made = f.call("POST", "/v1/auth/keys", key, {{"name", "ci"}, {"permissions", {"tunnels:read"}}});
    const std::string made_id = made.body["id"];
    REQUIRE(f.call("DELETE", "/v1/auth/keys/" + made_id, key).status == 204);
    REQUIRE(f.call("POST", "/v1/auth/logout", second).status == 204);
    write_notes(f, key);

    const auto user = f.call("GET", "/v1/auth/user", key).body;
    const auto registered = events(f, "account.registered");
    REQUIRE(registered.size() == 1);
    CHECK(registered[0].actor_kind == "user");
    CHECK(registered[0].actor == user["id"]);
    CHECK(registered[0].target == "ann@example.com");
    CHECK(registered[0].address == f.address);
    CHECK(registered[0].result == "ok");
    const auto signed_in = events(f, "login.succeeded");
    REQUIRE(signed_in.size() == 1);
    CHECK(signed_in[0].actor == user["id"]);
    CHECK(signed_in[0].target.starts_with("key_"));
    const auto failed = events(f, "login.failed");
    REQUIRE(failed.size() == 2);
    CHECK(failed[0].target == "ann@example.com");
    CHECK(failed[0].account_id == registered[0].account_id);
    CHECK(failed[0].actor_kind == "anonymous");
    CHECK(failed[0].result == "refused");
    CHECK(failed[1].target == "nobody@example.com");
    CHECK(failed[1].account_id.empty());
    const auto created = events(f, "key.created");
    REQUIRE(created.size() == 1);
    CHECK(created[0].actor_kind == "key");
    CHECK(created[0].actor == user["key"]["id"]);
    CHECK(created[0].target == made_id);
    CHECK(json::parse(created[0].detail)["permissions"] == "tunnels:read");
    REQUIRE(events(f, "key.revoked").size() == 1);
    CHECK(events(f, "key.revoked")[0].target == made_id);
    REQUIRE(events(f, "logout").size() == 1);
    CHECK(events(f, "logout")[0].target == signed_in[0].target);
    CHECK(verify_audit(f.folder.path(), "").value().whole);
}

TEST_CASE("an account sees its own events, newest first and in pages, and nobody else's") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    for (int i = 0; i < 5; ++i)
        f.key_with(ann, {"tunnels:read"});
    const auto first = f.call("GET", "/v1/account/audit", ann).body;
    REQUIRE(first["events"].size() == 6);
    CHECK(first["events"][5]["action"] == "account.registered");
    CHECK(first["events"][0]["action"] == "key.created");
    CHECK(first["events"][0]["actor"]["kind"] == "key");
    CHECK(first["events"][0]["detail"]["name"] == "limited");
    CHECK(first["next_before"].is_null());
    CHECK(f.call("GET", "/v1/account/audit", bob).body["events"].size() == 1);

    const auto ask = [&](const std::string& query) {
        instatunnel::service::api_request request;
        request.method = "GET";
        request.path = "/v1/account/audit";
        request.query = query;
        request.remote_address = f.address;
        request.fields.emplace_back("X-API-Key", ann);
        return f.call_raw(std::move(request));
    };
    std::set<std::uint64_t> seen;
    std::string query = "limit=2";
    for (int i = 0; i < 4; ++i) {
        const auto page = ask(query).body;
        for (const auto& e : page["events"])
            CHECK(seen.insert(e["seq"].get<std::uint64_t>()).second);
        if (page["next_before"].is_null()) break;
        query = "limit=2&before=" + std::to_string(page["next_before"].get<std::uint64_t>());
    }
    CHECK(seen.size() == 6);
    CHECK(ask("action=account").body["events"].size() == 1);
    CHECK(ask("other=1&").status == 200);
    for (const char* bad : {"limit=0", "limit=501", "limit=x", "limit=", "before=-1", "before=0",
                            "action=", "action=A;B", "before=99999999999999999999", "before=9223372036854775808"}) {
        const auto refused = ask(bad);
        INFO(bad << refused.text);
        CHECK(refused.status == 422);
    }
}

TEST_CASE("the log of an account needs account:read and does not name the edge's people") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    CHECK(f.call("GET", "/v1/account/audit", f.key_with(key, {"tunnels:*"})).body["required_scope"] == "account:read");
    REQUIRE(add_user(f.folder.path(), "bob@example.com", secret("correct horse"), "", ""));
    const auto login =
        f.call("POST", "/v1/auth/login", "", {{"email", "bob@example.com"}, {"password", "correct horse"}});
    const auto seen = f.call("GET", "/v1/account/audit", login.body["api_key"]).body["events"];
    REQUIRE(seen.size() == 2);
    CHECK(seen[1]["actor"]["kind"] == "admin");
    CHECK(seen[1]["actor"]["id"].is_null());
    const auto rows = events(f, "account.registered");
    CHECK_FALSE(rows[1].actor.empty());
}

TEST_CASE("start and stop of the service are on record with the version") {
    service_fixture f;
    f.restart();
    f.subject->stop();
    const auto rows = list_audit(f.folder.path(), {}, 100).value();
    REQUIRE(rows.size() == 4);
    CHECK(rows[0].action == "service.started");
    CHECK(rows[0].actor_kind == "system");
    CHECK(json::parse(rows[0].detail)["version"] == "0.1.0");
    CHECK(rows[1].action == "service.stopped");
    CHECK(rows[2].action == "service.started");
    CHECK(rows[3].action == "service.stopped");
    CHECK(verify_audit(f.folder.path(), "").value().whole);
}

TEST_CASE("refused tunnels, scopes and floods are on record, bounded") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto limited = f.key_with(key, {"tunnels:read"});
    for (int i = 0; i < 3; ++i) {
        CHECK(f.admit("it_0123456789abcdef", "demo").error().code == errc::invalid_key);
        CHECK(f.admit(limited, "demo").error().code == errc::forbidden);
        CHECK(f.call("POST", "/v1/tunnels", limited).status == 403);
    }
    CHECK(f.admit(key, "api").error().code == errc::name_reserved);
    for (int i = 0; i < 3; ++i)
        REQUIRE(f.admit(key, "mine"));
    for (int i = 0; i < 300; ++i)
        f.call("GET", "/v1/auth/user", "it_0123456789abcdef");
    f.address = "127.0.0.1";
    write_notes(f, key);
    const auto refused = events(f, "tunnel.refused");
    REQUIRE(refused.size() == 3);
    CHECK(json::parse(refused[0].detail)["why"] == "invalid_key");
    CHECK(refused[0].actor_kind == "anonymous");
    CHECK(refused[0].target == "demo");
    CHECK(json::parse(refused[1].detail)["why"] == "forbidden");
    CHECK(refused[1].actor_kind == "key");
    CHECK(json::parse(refused[2].detail)["why"] == "name_reserved");
    REQUIRE(events(f, "name.claimed").size() == 1);
    CHECK(events(f, "name.claimed")[0].target == "mine");
    const auto scope = events(f, "key.refused");
    REQUIRE(scope.size() == 1);
    CHECK(json::parse(scope[0].detail)["scope"] == "tunnels:write");
    CHECK(events(f, "rate_limit.exceeded").size() == 1);
}

TEST_CASE("a key that is used from a new network is on record, for API calls and tunnels, and not for the first one") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto use = [&](const std::string& address) {
        f.address = address;
        write_notes(f, key);
    };
    use("203.0.113.7");
    use("203.0.113.7");
    CHECK(events(f, "key.used_from_new_address").empty());
    use("198.51.100.1");
    use("198.51.100.1");
    REQUIRE(events(f, "key.used_from_new_address").size() == 1);
    CHECK(events(f, "key.used_from_new_address")[0].address == "198.51.100.1");
    f.restart();
    use("198.51.100.1");
    CHECK(events(f, "key.used_from_new_address").size() == 1);
    f.advance(std::chrono::minutes(2));
    f.address = "2001:db8::1";
    REQUIRE(f.admit(key, "demo"));
    use("2001:db8::2");
    CHECK(events(f, "key.used_from_new_address").size() == 2);
}

TEST_CASE("ten wrong sign-ins are remembered over a restart, by email and by address") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto wrong = [&](const std::string& email) {
        return f.call("POST", "/v1/auth/login", "", {{"email", email}, {"password", "wrong"}}).status;
    };
    for (int i = 0; i < 10; ++i)
        REQUIRE(wrong("ann@example.com") == 401);
    f.restart();
    CHECK(wrong("ann@example.com") == 429);
    CHECK(wrong("other@example.com") == 429);
    f.address = "198.51.100.9";
    CHECK(wrong("ann@example.com") == 429);
    CHECK(wrong("other@example.com") == 401);
    f.advance(std::chrono::seconds(50));
    f.restart();
    CHECK(wrong("ann@example.com") == 429);
    f.advance(std::chrono::minutes(2));
    f.restart();
    CHECK(wrong("ann@example.com") == 401);
}

TEST_CASE("events older than they are kept go while the service runs, and the rest verifies") {
    service_fixture f;
    f.options.audit_keep = std::chrono::hours(48);
    f.restart();
    const auto key = f.sign_up("ann@example.com");
    f.wait_for_ticks();
    CHECK(events(f)[0].seq == 1);
    f.advance(std::chrono::hours(47));
    f.key_with(key, {"tunnels:read"});
    f.wait_for_ticks();
    CHECK(events(f)[0].seq == 1);
    f.advance(std::chrono::hours(2));
    f.wait_for_ticks();
    const auto left = events(f);
    REQUIRE(left.size() == 2);
    CHECK(left[0].action == "key.created");
    CHECK(left[1].action == "audit.cut");
    CHECK(verify_audit(f.folder.path(), "").value().whole);
}
