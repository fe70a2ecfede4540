#include "instatunnel/service/admin_keys.hpp"

#include "catch_outcome.hpp"
#include "instatunnel/service/admin.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

namespace {

admin_key_wish wish_for(const std::string& email) {
    return {email, "by the owner", {"tunnels:read"}, std::nullopt};
}

}  // namespace

TEST_CASE("a key that the owner makes beside the running service works at once") {
    service_fixture f;
    f.sign_up("ann@example.com");
    auto wish = wish_for(" ANN@example.com ");
    wish.expires_at = f.settings.now() + std::chrono::hours(1);
    const auto made = create_account_key(f.folder.path(), wish);
    REQUIRE(made);
    CHECK(made->row.email == "ann@example.com");
    CHECK(made->row.masked == mask_key(made->key.reveal()));
    const auto r = f.call("GET", "/v1/auth/user", std::string(made->key.reveal()));
    CHECK(r.body["permissions"] == nlohmann::json({"tunnels:read"}));
    CHECK(r.body["key"]["name"] == "by the owner");
    CHECK(r.body["key"]["expires_at"].is_string());
}

TEST_CASE("the owner sees the keys of one user or of all, never a key itself") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    f.key_with(ann, {"tunnels:*"});
    f.sign_up("bob@example.com");
    const auto all = list_account_keys(f.folder.path(), "").value();
    REQUIRE(all.size() == 3);
    CHECK(all[2].email == "bob@example.com");
    const auto one = list_account_keys(f.folder.path(), "ann@example.com").value();
    REQUIRE(one.size() == 2);
    CHECK(one[0].masked == mask_key(ann));
    CHECK(one[1].permissions == std::vector<std::string>{"tunnels:*"});
}

TEST_CASE("a key that the owner revokes is dead for the running service, and its tunnels end") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    REQUIRE(f.admit(ann, "demo"));
    const auto id = list_account_keys(f.folder.path(), "").value()[0].id;
    REQUIRE(revoke_account_key(f.folder.path(), id));
    REQUIRE(f.eventually([&] { return !f.edge.closed_keys().empty(); }));
    CHECK(f.edge.closed_keys()[0] == std::pair(id, errc::revoked_key));
    CHECK(f.call("GET", "/v1/auth/user", ann).body["reason"] == "revoked_key");
    CHECK(revoke_account_key(f.folder.path(), id).error().code == errc::not_found);
    CHECK(revoke_account_key(f.folder.path(), "key_unknown").error().code == errc::not_found);
}

TEST_CASE("what the owner cannot mean is refused") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto& folder = f.folder.path();
    CHECK(create_account_key(folder, wish_for("nobody@example.com")).error().code == errc::not_found);
    CHECK(create_account_key(folder, wish_for("no email")).error().code == errc::usage);
    auto unnamed = wish_for("ann@example.com");
    unnamed.name = "a\nb";
    CHECK(create_account_key(folder, unnamed).error().code == errc::usage);
    auto odd = wish_for("ann@example.com");
    odd.permissions = {"no:such"};
    CHECK(create_account_key(folder, odd).error().code == errc::usage);
    CHECK(list_account_keys(folder / "elsewhere", "").error().code == errc::file_missing);
    CHECK(revoke_account_key(folder / "elsewhere", "key_x").error().code == errc::file_missing);
    CHECK(list_account_keys(folder, "").value().size() == 1);
}
