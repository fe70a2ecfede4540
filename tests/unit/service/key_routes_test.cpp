#include "catch_outcome.hpp"
#include "instatunnel/base/clock.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

TEST_CASE("a created key is shown whole once and then masked") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/auth/keys", key, {{"name", "CI/CD Key"}, {"permissions", {"tunnels:read"}}});
    REQUIRE(r.status == 201);
    CHECK(r.body["name"] == "CI/CD Key");
    CHECK(r.body["permissions"] == json({"tunnels:read"}));
    CHECK(r.body["expires_at"].is_null());
    CHECK(r.body["last_used"].is_null());
    CHECK(parse_rfc3339(r.body["created_at"].get<std::string>()));
    const std::string made = r.body["key"];
    CHECK(made.size() == 19);

    const auto listed = f.call("GET", "/v1/auth/keys", key);
    REQUIRE(listed.body["keys"].size() == 2);
    const auto row = listed.body["keys"][1];
    CHECK(row["id"] == r.body["id"]);
    CHECK(row["key"] == "it_***..." + made.substr(16));
    CHECK(row["last_used"].is_null());
    CHECK(row["expires_at"].is_null());
    CHECK(row.size() == 7);
    CHECK(listed.text.find(made) == std::string::npos);
    CHECK(listed.body["keys"][0]["last_used"].is_string());
}

TEST_CASE("a key can do what its permissions say and nothing else") {
    service_fixture f;
    const auto key = f.key_with(f.sign_up("ann@example.com"), {"tunnels:read"});
    CHECK(f.call("GET", "/v1/tunnels", key).status == 200);
    CHECK(f.call("GET", "/v1/auth/user", key).body["permissions"] == json({"tunnels:read"}));

    struct row {
        const char* method;
        const char* path;
        const char* scope;
    };
    const row rows[] = {{"POST", "/v1/tunnels", "tunnels:write"},  {"DELETE", "/v1/tunnels/x", "tunnels:delete"},
                        {"GET", "/v1/auth/keys", "keys:manage"},   {"POST", "/auth/keys", "keys:manage"},
                        {"GET", "/auth/keys/x", "keys:manage"},    {"PATCH", "/auth/keys/x", "keys:manage"},
                        {"DELETE", "/auth/keys/x", "keys:manage"}, {"POST", "/auth/keys/x/rotate", "keys:manage"}};
    for (const auto& [method, path, scope] : rows) {
        const auto r = f.call(method, path, key, json::object());
        CHECK(is_error(r, 403, "forbidden", 4003));
        CHECK(r.body["required_scope"] == scope);
        CHECK(r.body["message"] == "Insufficient permissions for this operation");
    }
    const auto writer = f.key_with(f.sign_up("bob@example.com"), {"tunnels:write"});
    CHECK(f.call("GET", "/v1/tunnels", writer).body["required_scope"] == "tunnels:read");
    CHECK(f.call("GET", "/v1/tunnels/x", writer).body["required_scope"] == "tunnels:read");
}

TEST_CASE("a wildcard permission covers its group") {
    service_fixture f;
    const auto key = f.key_with(f.sign_up("ann@example.com"), {"tunnels:*"});
    CHECK(f.call("POST", "/v1/tunnels", key, {{"name", "demo"}}).status == 201);
    CHECK(f.call("DELETE", "/v1/tunnels/demo", key).status == 204);
    CHECK(f.call("GET", "/v1/auth/keys", key).status == 403);
}

TEST_CASE("a key cannot hand out more than it holds") {
    service_fixture f;
    const auto manager = f.key_with(f.sign_up("ann@example.com"), {"keys:manage", "tunnels:read"});
    const auto create = [&](const json& permissions) {
        return f.call("POST", "/v1/auth/keys", manager, {{"name", "x"}, {"permissions", permissions}});
    };
    CHECK(create({"tunnels:read"}).status == 201);
    struct row {
        const char* wanted;
        const char* missing;
    };
    for (const auto& [wanted, missing] : {row{"tunnels:write", "tunnels:write"}, row{"tunnels:*", "tunnels:write"},
                                          row{"*", "tunnels:write"}, row{"admin:read", "admin:read"}}) {
        const auto r = create({wanted});
        CHECK(is_error(r, 403, "forbidden", 4003));
        CHECK(r.body["required_scope"] == missing);
    }
}

TEST_CASE("key creation refuses what it cannot use and names the field") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    struct row {
        json body;
        int status;
        const char* field;
    };
    const json good = {"tunnels:read"};
    const row rows[] = {
        {{{"permissions", good}}, 400, "name"},
        {{{"name", 1}, {"permissions", good}}, 400, "name"},
        {{{"name", ""}, {"permissions", good}}, 422, "name"},
        {{{"name", std::string(121, 'x')}, {"permissions", good}}, 422, "name"},
        {{{"name", "x"}}, 400, "permissions"},
        {{{"name", "x"}, {"permissions", json::array()}}, 400, "permissions"},
        {{{"name", "x"}, {"permissions", "tunnels:read"}}, 400, "permissions"},
        {{{"name", "x"}, {"permissions", {1}}}, 400, "permissions"},
        {{{"name", "x"}, {"permissions", {"tunnels:fly"}}}, 422, "permissions"},
        {{{"name", "x"}, {"permissions", good}, {"expires_at", "tomorrow"}}, 422, "expires_at"},
        {{{"name", "x"}, {"permissions", good}, {"expires_at", "2001-01-01T00:00:00Z"}}, 422, "expires_at"},
        {{{"name", "x"}, {"permissions", good}, {"expires_at", 5}}, 400, "expires_at"},
    };
    for (const auto& r : rows) {
        const auto answer = f.call("POST", "/v1/auth/keys", key, r.body);
        INFO(answer.text);
        CHECK(answer.status == r.status);
        CHECK(answer.body["field"] == r.field);
    }
}

TEST_CASE("a key stops working when it expires") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto at = to_rfc3339(f.settings.now() + std::chrono::hours(1));
    const auto r = f.call("POST", "/v1/auth/keys", key,
                          {{"name", "short"}, {"permissions", {"tunnels:write"}}, {"expires_at", at}});
    CHECK(r.body["expires_at"] == at);
    const std::string made = r.body["key"];
    CHECK(f.call("GET", "/v1/auth/user", made).body["key"]["expires_at"] == at);
    f.advance(std::chrono::hours(1));
    CHECK(f.call("GET", "/v1/auth/user", made).body["reason"] == "expired_key");
    CHECK(f.admit(made, "demo").error().code == errc::expired_key);
}

TEST_CASE("revoking a key is effective at once, for open tunnels too") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto made = f.call("POST", "/v1/auth/keys", key, {{"name", "x"}, {"permissions", {"tunnels:write"}}});
    const std::string id = made.body["id"], secret_key = made.body["key"];
    REQUIRE(f.admit(secret_key, "demo"));
    CHECK(f.call("DELETE", "/v1/auth/keys/" + id, key).status == 204);
    REQUIRE(f.edge.closed_keys().size() == 1);
    CHECK(f.edge.closed_keys()[0] == std::pair(id, errc::revoked_key));
    CHECK(f.call("GET", "/v1/auth/user", secret_key).body["reason"] == "revoked_key");
    CHECK(f.admit(secret_key, "demo").error().code == errc::revoked_key);
    CHECK(f.call("GET", "/v1/auth/keys", key).body["keys"].size() == 1);
    CHECK(is_error(f.call("DELETE", "/v1/auth/keys/" + id, key), 404, "not_found", 4004));
}

TEST_CASE("another account's key is not found and stays valid") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    const std::string id = f.call("GET", "/v1/auth/user", bob).body["key"]["id"];
    CHECK(is_error(f.call("DELETE", "/v1/auth/keys/" + id, ann), 404, "not_found", 4004));
    CHECK(f.call("GET", "/v1/auth/user", bob).status == 200);
    CHECK(f.edge.closed_keys().empty());
    CHECK(f.call("GET", "/v1/auth/keys", ann).body["keys"].size() == 1);
}

TEST_CASE("the time of a key's last use survives a restart") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto other = f.key_with(key, {"tunnels:read"});
    REQUIRE(f.call("GET", "/v1/tunnels", other).status == 200);
    const auto used = to_rfc3339(f.settings.now());
    f.restart();
    f.advance(std::chrono::hours(2));
    const auto keys = f.call("GET", "/v1/auth/keys", key).body["keys"];
    CHECK(keys[1]["last_used"] <= used);
    CHECK(keys[1]["last_used"].is_string());
    CHECK(keys[0]["last_used"] > used);
}
