#include "instatunnel/service/admin_accounts.hpp"

#include "catch_outcome.hpp"
#include "instatunnel/service/admin.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

TEST_CASE("the owner sees an account by email and by id") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto by_email = show_user(f.folder.path(), "ANN@example.com");
    REQUIRE(by_email);
    CHECK(by_email->keys == 1);
    CHECK(by_email->has_password);
    CHECK_FALSE(by_email->email_verified);
    CHECK_FALSE(by_email->invited_by);
    CHECK(show_user(f.folder.path(), by_email->id)->email == "ann@example.com");
    CHECK(show_user(f.folder.path(), "bob@example.com").error().code == errc::not_found);
    CHECK(show_user(f.folder.path() / "none", "bob@example.com").error().code == errc::file_missing);
}

TEST_CASE("a disabled account's password and keys are refused with the reason, and nothing of it is lost") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    REQUIRE(disable_user(f.folder.path(), "ann@example.com", true)->disabled);
    f.restart();
    const auto by_key = f.call("GET", "/v1/auth/user", key);
    CHECK(is_error(by_key, 403, "forbidden", 4003));
    CHECK(by_key.body["reason"] == "account_disabled");
    CHECK(f.admit(key, "demo").error().code == errc::account_disabled);
    const auto right =
        f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    CHECK(is_error(right, 403, "forbidden", 4003));
    CHECK(right.body["reason"] == "account_disabled");
    // Without the password nobody learns that the account exists.
    const auto wrong = f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "wrong"}});
    CHECK(is_error(wrong, 401, "unauthorized", 4001));
    CHECK_FALSE(disable_user(f.folder.path(), "ann@example.com", false)->disabled);
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
}

TEST_CASE("the owner changes plan and name, and removes an account") {
    service_fixture f;
    f.sign_up("ann@example.com");
    CHECK(set_user_plan(f.folder.path(), "ann@example.com", "business")->plan == "business");
    CHECK(set_user_plan(f.folder.path(), "ann@example.com", "gold").error().code == errc::usage);
    CHECK(rename_user(f.folder.path(), "ann@example.com", "Ann B.")->name == "Ann B.");
    CHECK(rename_user(f.folder.path(), "ann@example.com", "a\nb").error().code == errc::usage);
    CHECK(remove_user(f.folder.path(), "ann@example.com")->email == "ann@example.com");
    CHECK(show_user(f.folder.path(), "ann@example.com").error().code == errc::not_found);
    f.sign_up("ann@example.com");
}

TEST_CASE("the owner adds no user with a password that everybody tries first") {
    service_fixture f;
    const auto added = add_user(f.folder.path(), "ann@example.com", secret("password1"), "", "");
    REQUIRE_FALSE(added);
    CHECK(added.error().code == errc::usage);
    CHECK(std::string(added.error().what()).starts_with("The password is too easy to guess"));
}

TEST_CASE("an invitation that makes no sense is refused") {
    service_fixture f;
    const auto code_of = [&](void (*spoil)(invitation_wish&)) {
        invitation_wish wish;
        spoil(wish);
        return invite(f.folder.path(), wish).error().code;
    };
    CHECK(code_of([](invitation_wish& w) { w.plan = "gold"; }) == errc::usage);
    CHECK(code_of([](invitation_wish& w) { w.uses = 0; }) == errc::usage);
    CHECK(code_of([](invitation_wish& w) { w.uses = 10'001; }) == errc::usage);
    CHECK(code_of([](invitation_wish& w) { w.inviter_credit = 5; }) == errc::usage);
    CHECK(code_of([](invitation_wish& w) { w.inviter = "nobody@example.com"; }) == errc::not_found);
    CHECK(code_of([](invitation_wish& w) { w.life = std::chrono::seconds(0); }) == errc::usage);
    CHECK(code_of([](invitation_wish& w) { w.life = std::chrono::hours(24 * 400); }) == errc::usage);
    CHECK(revoke_invitation(f.folder.path(), "inv_x").error().code == errc::not_found);
    CHECK(list_invitations(f.folder.path())->empty());
}
