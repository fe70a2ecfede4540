#include "catch_outcome.hpp"
#include "instatunnel/service/admin_names.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

namespace {

live_tunnel live(const granted_tunnel& t) {
    live_tunnel now;
    now.tunnel_id = t.tunnel_id;
    now.account_id = t.account_id;
    now.name = t.name;
    return now;
}

}  // namespace

TEST_CASE("the account's names are listed and given back") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "demo");
    REQUIRE(granted);
    f.edge.set_live({live(*granted)});
    const auto list = f.call("GET", "/v1/names", key);
    REQUIRE(list.body["names"].size() == 1);
    const auto& row = list.body["names"][0];
    CHECK(row["name"] == "demo");
    CHECK(row["host"] == "demo.t.example.com");
    CHECK(row["kind"] == "requested");
    CHECK(row["blocked"] == false);
    CHECK(row["tunnel_id"] == granted->tunnel_id);

    const auto bob = f.sign_up("bob@example.com");
    CHECK(f.call("GET", "/v1/names", bob).body["names"].empty());
    CHECK(is_error(f.call("DELETE", "/v1/names/demo", bob), 404, "not_found", 4004));
    CHECK(f.edge.closed_tunnels().empty());

    CHECK(f.call("DELETE", "/v1/names/DEMO.t.example.com", key).status == 204);
    REQUIRE(f.edge.closed_tunnels().size() == 1);
    CHECK(f.edge.closed_tunnels()[0].first == granted->tunnel_id);
    CHECK(is_error(f.call("DELETE", "/v1/names/demo", key), 404, "not_found", 4004));
    CHECK(f.admit(bob, "demo"));
}

TEST_CASE("giving a name back wants the permission to delete") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    REQUIRE(f.admit(key, "demo"));
    const auto r = f.call("DELETE", "/v1/names/demo", f.key_with(key, {"tunnels:read", "tunnels:write"}));
    CHECK(r.status == 403);
    CHECK(r.body["required_scope"] == "tunnels:delete");
}

TEST_CASE("a name that the owner reserved waits for its account") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    const auto& folder = f.folder.path();
    const auto row = reserve_name(folder, "Shop", "ANN@example.com").value();
    CHECK(row.name == "shop");
    CHECK(row.email == "ann@example.com");
    CHECK(f.admit(bob, "shop").error().code == errc::name_taken);
    CHECK(reserve_name(folder, "shop", "bob@example.com").error().code == errc::name_taken);
    CHECK(f.admit(ann, "shop"));
    CHECK(reserve_name(folder, "api", "ann@example.com").error().code == errc::name_reserved);
    CHECK(reserve_name(folder, "-", "ann@example.com").error().code == errc::malformed_name);
    CHECK(reserve_name(folder, "x", "nobody@example.com").error().code == errc::not_found);
    CHECK(reserve_name(folder, "x", "no address").error().code == errc::usage);
    CHECK(list_names(folder, "bob@example.com").value().names.empty());
    CHECK(list_names(folder, "").value().names.size() == 1);
}

TEST_CASE("a name that the owner takes away ends its tunnel") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto kept = f.admit(ann, "kept");
    const auto lost = f.admit(ann, "lost");
    f.edge.set_live({live(*kept), live(*lost)});
    const auto was = release_name(f.folder.path(), "LOST").value();
    CHECK(was.email == "ann@example.com");
    CHECK(release_name(f.folder.path(), "lost").error().code == errc::not_found);
    f.wait_for_ticks();
    REQUIRE(f.edge.closed_tunnels().size() == 1);
    CHECK(f.edge.closed_tunnels()[0].first == lost->tunnel_id);
    CHECK(f.edge.closed_tunnels()[0].second == errc::tunnel_closed);
    CHECK(f.edge.last_words() == "The name \"lost\" was given back or taken from the account");
}

TEST_CASE("a name that is given to somebody else while its tunnel runs ends it too") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    f.sign_up("bob@example.com");
    const auto lost = f.admit(ann, "shop");
    f.edge.set_live({live(*lost)});
    REQUIRE(release_name(f.folder.path(), "shop"));
    REQUIRE(reserve_name(f.folder.path(), "shop", "bob@example.com"));
    f.wait_for_ticks();
    CHECK(f.edge.closed_tunnels().size() == 1);
}

TEST_CASE("a blocked name is nobody's, whoever holds it and however it is asked for") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto running = f.admit(ann, "my-bank");
    REQUIRE(running);
    f.edge.set_live({live(*running)});
    const auto row = block_name(f.folder.path(), "*BANK*", "looks like a bank").value();
    CHECK(row.pattern == "*bank*");
    f.wait_for_ticks();
    REQUIRE(f.edge.closed_tunnels().size() == 1);
    CHECK(f.edge.closed_tunnels()[0].second == errc::name_reserved);
    CHECK(f.edge.last_words() == "\"my-bank\" is blocked by the owner of this server: looks like a bank");

    const auto refused = f.admit(ann, "bank-2");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::name_reserved);
    CHECK(refused.error().what() == "\"bank-2\" is blocked by the owner of this server: looks like a bank");
    tunnel_claim claim;
    claim.key = secret(ann);
    claim.existing_host = "my-bank";
    CHECK(f.admit(std::move(claim)).error().code == errc::name_reserved);
    const auto r = f.call("POST", "/v1/tunnels", ann, {{"name", "bank"}});
    CHECK(is_error(r, 409, "conflict", 4009));
    CHECK(r.body["field"] == "name");
    CHECK(f.call("GET", "/v1/names", ann).body["names"][0]["blocked"] == true);
    CHECK(reserve_name(f.folder.path(), "bank", "ann@example.com").error().code == errc::name_reserved);

    REQUIRE(unblock_name(f.folder.path(), "*bank*"));
    CHECK(unblock_name(f.folder.path(), "*bank*").error().code == errc::not_found);
    f.wait_for_ticks();
    CHECK(f.admit(ann, "my-bank"));  // it was kept for the account
}

TEST_CASE("a random name that was blocked meanwhile is replaced by another one") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto first = f.admit(ann, "", "i1");
    REQUIRE(first);
    REQUIRE(block_name(f.folder.path(), first->name, ""));
    f.wait_for_ticks();
    const auto second = f.admit(ann, "", "i1");
    REQUIRE(second);
    CHECK(second->name != first->name);
}

TEST_CASE("what cannot be blocked is refused") {
    service_fixture f;
    CHECK(block_name(f.folder.path(), "*", "").error().code == errc::malformed_name);
    CHECK(block_name(f.folder.path(), "a.b", "").error().code == errc::malformed_name);
    CHECK(block_name(f.folder.path(), "bank", "a\nb").error().code == errc::usage);
    CHECK(list_names(f.folder.path(), "").value().blocked.empty());
}
