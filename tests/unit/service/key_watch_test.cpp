#include "catch_outcome.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;
using ended_keys = std::vector<std::pair<std::string, errc>>;

namespace {

// As an admin command does: another connection to the same data.
std::unique_ptr<store::store> beside(service_fixture& f) {
    auto opened = store::open_sqlite(f.folder.path());
    REQUIRE(opened);
    return std::move(*opened);
}

store::user owner_of(store::store& s, const std::string& email) {
    return s.find_user_by_email(email).value().value();
}

instatunnel::service::live_tunnel connect(service_fixture& f, const std::string& key, const std::string& name) {
    const auto granted = f.admit(key, name);
    REQUIRE(granted);
    instatunnel::service::live_tunnel connected;
    connected.tunnel_id = granted->tunnel_id;
    connected.key_id = granted->key_id;
    return connected;
}

}  // namespace

TEST_CASE("a key that another process revokes stops working, and its tunnels end") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto other = f.sign_up("bob@example.com");
    const std::string id = f.call("GET", "/v1/auth/user", key).body["key"]["id"];
    REQUIRE(f.admit(key, "demo"));
    REQUIRE(f.admit(other, "other"));
    const auto admin = beside(f);
    REQUIRE(admin->revoke_key(owner_of(*admin, "ann@example.com").account_id, id, f.settings.now()));
    REQUIRE(f.eventually([&] { return !f.edge.closed_keys().empty(); }));
    CHECK(f.edge.closed_keys() == ended_keys{{id, errc::revoked_key}});
    CHECK(f.call("GET", "/v1/auth/user", key).body["reason"] == "revoked_key");
    CHECK(f.call("GET", "/v1/auth/user", other).status == 200);
}

TEST_CASE("tunnels of a key end when its time comes, once") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto at = to_rfc3339(f.settings.now() + std::chrono::hours(1));
    const auto made = f.call("POST", "/v1/auth/keys", key,
                             {{"name", "short"}, {"permissions", {"tunnels:write"}}, {"expires_at", at}});
    const auto short_lived = connect(f, made.body["key"], "demo");
    f.edge.set_live({short_lived, connect(f, key, "forever")});
    f.advance(std::chrono::minutes(59));
    f.wait_for_ticks();
    CHECK(f.edge.closed_keys().empty());
    f.advance(std::chrono::minutes(1));
    REQUIRE(f.eventually([&] { return !f.edge.closed_keys().empty(); }));
    f.wait_for_ticks();
    CHECK(f.edge.closed_keys() == ended_keys{{made.body["id"], errc::expired_key}});
}

TEST_CASE("a change by another process that ends no key ends no tunnel") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    REQUIRE(f.admit(key, "demo"));
    const auto admin = beside(f);
    REQUIRE(admin->settle_setting("anything", "1"));
    f.wait_for_ticks();
    CHECK(f.edge.closed_keys().empty());
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
}

TEST_CASE("keys of tunnels that are connected stay watched, however long") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto at = to_rfc3339(f.settings.now() + std::chrono::hours(10));
    const auto made = f.call("POST", "/v1/auth/keys", key,
                             {{"name", "short"}, {"permissions", {"tunnels:write"}}, {"expires_at", at}});
    f.edge.set_live({connect(f, made.body["key"], "demo")});
    f.advance(std::chrono::hours(5));  // the hourly purge looks at what is connected
    f.wait_for_ticks();
    f.advance(std::chrono::hours(5));
    CHECK(f.eventually([&] { return !f.edge.closed_keys().empty(); }));
}
