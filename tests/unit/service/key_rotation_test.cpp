#include "catch_outcome.hpp"
#include "instatunnel/base/clock.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

struct own_key {
    std::string id, text;
};

own_key make(service_fixture& f, const std::string& with, const json& permissions, const json& expires_at = nullptr) {
    const auto r = f.call("POST", "/v1/auth/keys", with,
                          {{"name", "CI"}, {"permissions", permissions}, {"expires_at", expires_at}});
    REQUIRE(r.status == 201);
    return {r.body["id"], r.body["key"]};
}

reply rotate(service_fixture& f, const std::string& with, const std::string& id, const json& body = nullptr) {
    return f.call("POST", "/v1/auth/keys/" + id + "/rotate", with, body);
}

std::string reason(service_fixture& f, const std::string& key) {
    return f.call("GET", "/v1/auth/user", key).body.value("reason", "works");
}

}  // namespace

TEST_CASE("one key is shown as the list shows it") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto ci = make(f, key, {"tunnels:read"}, "2099-01-01T00:00:00Z");
    const auto r = f.call("GET", "/v1/auth/keys/" + ci.id, key);
    REQUIRE(r.status == 200);
    CHECK(r.body == f.call("GET", "/v1/auth/keys", key).body["keys"][1]);
    CHECK(r.body["expires_at"] == "2099-01-01T00:00:00Z");
    CHECK(r.text.find(ci.text) == std::string::npos);
    const auto bob = f.sign_up("bob@example.com");
    CHECK(is_error(f.call("GET", "/v1/auth/keys/" + ci.id, bob), 404, "not_found", 4004));
    f.call("DELETE", "/v1/auth/keys/" + ci.id, key);
    CHECK(is_error(f.call("GET", "/v1/auth/keys/" + ci.id, key), 404, "not_found", 4004));
}

TEST_CASE("the time of a key's last use is true when the key is asked for") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto ci = make(f, key, {"tunnels:read"});
    CHECK(f.call("GET", "/v1/auth/keys/" + ci.id, key).body["last_used"].is_null());
    f.advance(std::chrono::hours(1));
    REQUIRE(f.call("GET", "/v1/tunnels", ci.text).status == 200);
    CHECK(f.call("GET", "/v1/auth/keys/" + ci.id, key).body["last_used"] == to_rfc3339(f.settings.now()));
}

TEST_CASE("a key can be renamed, by its account only") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto ci = make(f, key, {"tunnels:read"});
    REQUIRE(f.call("GET", "/v1/auth/user", ci.text).body["key"]["name"] == "CI");
    const auto r = f.call("PATCH", "/v1/auth/keys/" + ci.id, key, {{"name", "Production"}});
    CHECK(r.status == 200);
    CHECK(r.body["name"] == "Production");
    CHECK(r.body == f.call("GET", "/v1/auth/keys/" + ci.id, key).body);
    CHECK(f.call("GET", "/v1/auth/user", ci.text).body["key"]["name"] == "Production");

    const auto path = "/v1/auth/keys/" + ci.id;
    CHECK(f.call("PATCH", path, key, json::object()).body["field"] == "name");
    CHECK(f.call("PATCH", path, key, {{"name", 5}}).status == 400);
    CHECK(is_error(f.call("PATCH", path, key, {{"name", "a\nb"}}), 422, "invalid", 4022));
    CHECK(f.call("PATCH", path, f.sign_up("bob@example.com"), {{"name", "mine"}}).status == 404);
    CHECK(f.call("PATCH", "/v1/auth/keys/key_unknown", key, {{"name", "x"}}).status == 404);
    CHECK(f.call("GET", path, key).body["name"] == "Production");
}

TEST_CASE("rotating gives a new key with the same name, permissions and end, and the old one ends at once") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto old = make(f, key, {"tunnels:write", "tunnels:read"}, "2099-01-01T00:00:00Z");
    REQUIRE(f.admit(old.text, "demo"));
    const auto r = rotate(f, key, old.id);
    REQUIRE(r.status == 201);
    CHECK(r.body["name"] == "CI");
    CHECK(r.body["permissions"] == json({"tunnels:write", "tunnels:read"}));
    CHECK(r.body["expires_at"] == "2099-01-01T00:00:00Z");
    CHECK(r.body["last_used"].is_null());
    CHECK(r.body["replaces"] == old.id);
    CHECK(r.body["old_expires_at"] == to_rfc3339(f.settings.now()));
    CHECK(r.body["id"] != old.id);
    CHECK(reason(f, r.body["key"]) == "works");
    CHECK(reason(f, old.text) == "revoked_key");
    CHECK(f.edge.closed_keys() == std::vector{std::pair(old.id, errc::revoked_key)});
    CHECK(f.call("GET", "/v1/auth/keys", key).body["keys"].size() == 2);
    CHECK(f.call("GET", "/v1/auth/keys", key).text.find(r.body["key"].get<std::string>()) == std::string::npos);
}

TEST_CASE("with a grace the old key works until it is over, and its tunnels end with it") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto old = make(f, key, {"tunnels:write"});
    REQUIRE(f.admit(old.text, "demo"));
    const auto r = rotate(f, key, old.id, {{"grace_seconds", 3600}});
    REQUIRE(r.status == 201);
    CHECK(r.body["expires_at"].is_null());
    CHECK(r.body["old_expires_at"] == to_rfc3339(f.settings.now() + std::chrono::hours(1)));
    CHECK(reason(f, old.text) == "works");
    const auto shown = f.call("GET", "/v1/auth/keys/" + old.id, key).body;
    CHECK(shown["replaced_by"] == r.body["id"]);
    CHECK(shown["expires_at"] == r.body["old_expires_at"]);
    CHECK(f.edge.closed_keys().empty());
    f.advance(std::chrono::hours(1));
    CHECK(reason(f, old.text) == "expired_key");
    CHECK(reason(f, r.body["key"]) == "works");
    REQUIRE(f.eventually([&] { return !f.edge.closed_keys().empty(); }));
    CHECK(f.edge.closed_keys()[0] == std::pair(old.id, errc::expired_key));
}

TEST_CASE("a grace never lengthens a key's life") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto soon = to_rfc3339(f.settings.now() + std::chrono::minutes(5));
    const auto old = make(f, key, {"tunnels:read"}, soon);
    const auto r = rotate(f, key, old.id, {{"grace_seconds", 86400}});
    CHECK(r.body["old_expires_at"] == soon);
    CHECK(r.body["expires_at"] == soon);
}

TEST_CASE("a key can rotate itself") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const std::string id = f.call("GET", "/v1/auth/user", key).body["key"]["id"];
    const auto r = rotate(f, key, id);
    REQUIRE(r.status == 201);
    CHECK(reason(f, key) == "revoked_key");
    CHECK(f.call("GET", "/v1/auth/keys", r.body["key"]).status == 200);
}

TEST_CASE("a key that ended, or was rotated before, has no further successor") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto replaced = make(f, key, {"tunnels:read"});
    REQUIRE(rotate(f, key, replaced.id, {{"grace_seconds", 3600}}).status == 201);
    const auto gone = make(f, key, {"tunnels:read"});
    REQUIRE(rotate(f, key, gone.id).status == 201);
    const auto revoked = make(f, key, {"tunnels:read"});
    REQUIRE(f.call("DELETE", "/v1/auth/keys/" + revoked.id, key).status == 204);
    const auto expired = make(f, key, {"tunnels:read"}, to_rfc3339(f.settings.now() + std::chrono::hours(1)));
    f.advance(std::chrono::hours(1));
    const auto before = f.call("GET", "/v1/auth/keys", key).body["keys"].size();
    for (const auto& one : {replaced, gone, revoked, expired})
        CHECK(is_error(rotate(f, key, one.id), 409, "conflict", 4009));
    CHECK(is_error(rotate(f, key, "key_unknown"), 404, "not_found", 4004));
    CHECK(is_error(rotate(f, f.sign_up("bob@example.com"), replaced.id), 404, "not_found", 4004));
    CHECK(f.call("GET", "/v1/auth/keys", key).body["keys"].size() == before);
}

TEST_CASE("a key cannot rotate a more powerful one into its own hands") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const std::string id = f.call("GET", "/v1/auth/user", key).body["key"]["id"];
    const auto manager = f.key_with(key, {"keys:manage", "tunnels:read"});
    const auto r = rotate(f, manager, id);
    CHECK(is_error(r, 403, "forbidden", 4003));
    CHECK(r.body["required_scope"] == "tunnels:write");
    CHECK(r.body["message"] == "Insufficient permissions for this operation");
    CHECK_FALSE(r.body.contains("field"));
    CHECK(reason(f, key) == "works");
    CHECK(rotate(f, manager, make(f, key, {"tunnels:read"}).id).status == 201);
    CHECK(rotate(f, manager, make(f, key, {"tunnels:*"}).id).body["required_scope"] == "tunnels:write");
}

TEST_CASE("a grace that cannot be used is refused and changes nothing") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto old = make(f, key, {"tunnels:read"});
    for (const json& grace : {json(-1), json(1.5), json("60"), json::array(), json(true)}) {
        const auto r = rotate(f, key, old.id, {{"grace_seconds", grace}});
        CHECK(is_error(r, 400, "bad_request", 4000));
        CHECK(r.body["field"] == "grace_seconds");
    }
    for (const std::uint64_t grace : {2592001UL, ~0UL})
        CHECK(is_error(rotate(f, key, old.id, {{"grace_seconds", grace}}), 422, "invalid", 4022));
    CHECK(reason(f, old.text) == "works");
    CHECK(f.call("GET", "/v1/auth/keys", key).body["keys"].size() == 2);
    CHECK(rotate(f, key, old.id, {{"grace_seconds", 2592000}}).status == 201);
}
