#include "catch_outcome.hpp"
#include "instatunnel/service/admin_accounts.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

struct policy_fixture : service_fixture {
    explicit policy_fixture(sign_up_policy policy, std::uint64_t invites = 0, std::uint64_t credit = 0)
        : service_fixture(/*dev=*/false) {
        options.sign_up = policy;
        options.invites_per_account = invites;
        options.referral_credit = credit;
        restart();
    }

    std::string owner_invites(invitation_wish wish = {}) {
        const auto made = invite(folder.path(), wish);
        if (!made) FAIL(made.error().what());
        return std::string(made->code.reveal());
    }

    reply register_with(const std::string& email, const json& invite, const std::string& path = "/v1/auth/register") {
        return call("POST", path, "", {{"email", email}, {"password", "correct horse"}, {"invite", invite}});
    }
};

}  // namespace

TEST_CASE("on a closed edge no code opens an account, on either path") {
    policy_fixture f(sign_up_policy::closed);
    const auto code = f.owner_invites();
    for (const char* path : {"/v1/auth/register", "/auth/register"}) {
        const auto r = f.register_with("ann@example.com", code, path);
        CHECK(is_error(r, 403, "forbidden", 4003));
        CHECK(r.body["message"].get<std::string>().find("instatunnel admin user add") != std::string::npos);
    }
    CHECK(is_error(f.call("POST", "/auth/register", "", {{"email", "ann@example.com"}}), 403, "forbidden", 4003));
}

TEST_CASE("on an edge by invitation a code opens one account, on either path") {
    policy_fixture f(sign_up_policy::invite);
    const auto missing = f.register_with("ann@example.com", nullptr);
    CHECK(is_error(missing, 422, "invalid", 4022));
    CHECK(missing.body["field"] == "invite");
    CHECK(f.register_with("ann@example.com", f.owner_invites()).status == 201);
    const auto alone = f.call("POST", "/auth/register", "", {{"email", "eve@example.com"}});
    CHECK(alone.body["field"] == "invite");
    CHECK(f.call("POST", "/auth/register", "", {{"email", "eve@example.com"}, {"invite", f.owner_invites()}}).status ==
          201);
}

TEST_CASE("codes that do not work all get the same answer") {
    policy_fixture f(sign_up_policy::invite);
    const auto used = f.owner_invites();
    REQUIRE(f.register_with("first@example.com", used).status == 201);
    invitation_wish short_lived;
    short_lived.life = std::chrono::seconds(60);
    const auto expired = f.owner_invites(short_lived);
    const auto revoked_by_owner = invite(f.folder.path(), {});
    REQUIRE(revoke_invitation(f.folder.path(), revoked_by_owner->id));
    f.advance(std::chrono::hours(1));
    std::vector<std::string> messages;
    for (const auto& code : {used, expired, std::string(revoked_by_owner->code.reveal()), std::string("inv_unknown")}) {
        const auto r = f.register_with("ann@example.com", code);
        CHECK(is_error(r, 422, "invalid", 4022));
        CHECK(r.body["field"] == "invite");
        messages.push_back(r.body["message"]);
    }
    CHECK(std::equal(messages.begin() + 1, messages.end(), messages.begin()));
}

TEST_CASE("without a code that works nobody learns on an edge by invitation which addresses are known") {
    policy_fixture f(sign_up_policy::invite);
    REQUIRE(f.register_with("ann@example.com", f.owner_invites()).status == 201);
    const auto known = f.register_with("ann@example.com", "inv_wrong");
    const auto unknown = f.register_with("bob@example.com", "inv_wrong");
    CHECK(known.status == unknown.status);
    CHECK(known.body["message"] == unknown.body["message"]);
    CHECK(is_error(f.register_with("ann@example.com", f.owner_invites()), 409, "conflict", 4009));
}

TEST_CASE("a refused registration does not use a code up") {
    policy_fixture f(sign_up_policy::invite);
    const auto code = f.owner_invites();
    const auto weak =
        f.call("POST", "/v1/auth/register", "", {{"email", "a@b.c"}, {"password", "password"}, {"invite", code}});
    CHECK(weak.body["field"] == "password");
    CHECK(f.register_with("a@b.c", code).status == 201);
}

TEST_CASE("the owner's invitation gives plan and credit to both sides") {
    policy_fixture f(sign_up_policy::invite);
    REQUIRE(f.register_with("ann@example.com", f.owner_invites()).status == 201);
    const auto code = f.owner_invites(
        {.plan = "business", .credit = 10, .inviter = "ann@example.com", .inviter_plan = "free", .inviter_credit = 20});
    const auto bob = f.register_with("bob@example.com", code);
    REQUIRE(bob.status == 201);
    CHECK(bob.body["plan"] == "business");
    const auto came = f.call("GET", "/v1/auth/user", bob.body["api_key"]);
    CHECK(came.body["plan"] == "business");
    CHECK(came.body["credit"] == 10);
    CHECK(f.call("GET", "/v1/auth/invites", bob.body["api_key"]).body["invited_by"] == "a***@example.com");
    const auto ann = show_user(f.folder.path(), "ann@example.com");
    REQUIRE(ann);
    CHECK(ann->plan == "free");
    CHECK(ann->credit == 20);
    CHECK(ann->invited == std::vector<std::string>{"bob@example.com"});
    CHECK(ann->invited_by == "");
    CHECK(show_user(f.folder.path(), "bob@example.com")->invited_by == "ann@example.com");
}

TEST_CASE("a plan that an invitation gave to its maker holds at once") {
    policy_fixture f(sign_up_policy::invite);
    const std::string ann = f.register_with("ann@example.com", f.owner_invites()).body["api_key"];
    const auto code =
        f.owner_invites({.plan = {}, .inviter = "ann@example.com", .inviter_plan = "business", .inviter_credit = 3});
    f.wait_for_ticks();
    CHECK(f.call("GET", "/v1/account/plan", ann).body["plan"] == "pro");  // from here on it is remembered
    REQUIRE(f.register_with("bob@example.com", code).status == 201);
    const auto plan = f.call("GET", "/v1/account/plan", ann);
    CHECK(plan.body["plan"] == "business");
    CHECK(plan.body["credit"] == 3);
}

TEST_CASE("an account invites as many as the owner allows, and both get the credit") {
    policy_fixture f(sign_up_policy::invite, /*invites=*/2, /*credit=*/5);
    const std::string ann = f.register_with("ann@example.com", f.owner_invites()).body["api_key"];
    const auto made = f.call("POST", "/v1/auth/invites", ann, {{"uses", 2}});
    REQUIRE(made.status == 201);
    CHECK(made.body["uses_allowed"] == 2);
    CHECK(is_error(f.call("POST", "/v1/auth/invites", ann), 403, "forbidden", 4003));
    const std::string code = made.body["code"];
    const auto bob = f.register_with("bob@example.com", code);
    REQUIRE(bob.status == 201);
    CHECK(f.call("GET", "/v1/auth/user", bob.body["api_key"]).body["credit"] == 5);

    const auto listed = f.call("GET", "/v1/auth/invites", ann);
    REQUIRE(listed.status == 200);
    CHECK(listed.text.find(code) == std::string::npos);
    CHECK(listed.body["credit"] == 5);
    CHECK(listed.body["invites"].size() == 1);
    CHECK(listed.body["invites"][0]["uses"] == 1);
    CHECK(listed.body["invited"][0]["email"] == "b***@example.com");
    CHECK(listed.body["invited_by"].is_null());

    const std::string path = "/v1/auth/invites/" + made.body["id"].get<std::string>();
    CHECK(is_error(f.call("DELETE", path, bob.body["api_key"]), 404, "not_found", 4004));
    CHECK(f.call("DELETE", path, ann).status == 204);
    CHECK(f.register_with("eve@example.com", code).status == 422);
}

TEST_CASE("accounts cannot invite unless the owner allows it, and need the permission") {
    policy_fixture closed(sign_up_policy::open);
    const std::string key =
        closed.call("POST", "/v1/auth/register", "", {{"email", "ann@example.com"}, {"password", "correct horse"}})
            .body["api_key"];
    CHECK(is_error(closed.call("POST", "/v1/auth/invites", key), 403, "forbidden", 4003));
    const auto limited = closed.key_with(key, {"tunnels:*"});
    CHECK(closed.call("GET", "/v1/auth/invites", limited).body["required_scope"] == "users:manage");
}

TEST_CASE("nobody invites themselves, also not with a suffix to their name") {
    policy_fixture f(sign_up_policy::invite, /*invites=*/5, /*credit=*/5);
    const std::string ann = f.register_with("ann@example.com", f.owner_invites()).body["api_key"];
    const std::string code = f.call("POST", "/v1/auth/invites", ann).body["code"];
    const auto self = f.register_with("ann+2@example.com", code);
    CHECK(is_error(self, 422, "invalid", 4022));
    CHECK(self.body["field"] == "invite");
    CHECK(f.call("GET", "/v1/auth/user", ann).body["credit"] == 0);
}

TEST_CASE("an invite that cannot be made names the field") {
    policy_fixture f(sign_up_policy::open, /*invites=*/5);
    const std::string key =
        f.call("POST", "/v1/auth/register", "", {{"email", "ann@example.com"}, {"password", "correct horse"}})
            .body["api_key"];
    CHECK(f.call("POST", "/v1/auth/invites", key, {{"uses", 0}}).body["field"] == "uses");
    CHECK(f.call("POST", "/v1/auth/invites", key, {{"uses", "x"}}).body["field"] == "uses");
    for (const char* bad : {"yesterday", "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"})
        CHECK(f.call("POST", "/v1/auth/invites", key, {{"expires_at", bad}}).body["field"] == "expires_at");
}

TEST_CASE("one address makes only so many accounts") {
    policy_fixture f(sign_up_policy::open);
    int made = 0;
    reply last;
    for (int i = 0; i < 25; ++i) {
        last = f.call("POST", "/auth/register", "", {{"email", "u" + std::to_string(i) + "@example.com"}});
        if (last.status == 201) ++made;
    }
    CHECK(made == 20);
    CHECK(is_error(last, 429, "rate_limited", 4029));
    CHECK(last.body["retry_after"].get<int>() <= 180);
}

TEST_CASE("weak passwords are refused with the reason") {
    service_fixture f;
    for (const char* weak : {"password1", "ann.example", "instatunnel"}) {
        const auto r =
            f.call("POST", "/v1/auth/register", "", {{"email", "ann.example@example.com"}, {"password", weak}});
        CHECK(is_error(r, 422, "invalid", 4022));
        CHECK(r.body["field"] == "password");
        CHECK(r.body["message"].get<std::string>().starts_with("The password is too easy to guess"));
        CHECK(r.text.find(weak) == std::string::npos);
    }
}

TEST_CASE("only verified accounts open tunnels where the owner asks for that") {
    service_fixture f;
    f.options.require_verified_email = true;
    f.restart();
    const auto key = f.sign_up("ann@example.com");
    const auto refused = f.admit(key, "demo");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::email_not_verified);
    const auto user = f.subject->ensure_first_user();
    REQUIRE(user);
    CHECK(f.admit(std::string(user->api_key.reveal()), "demo"));
}
