#include "catch_outcome.hpp"
#include "cli/change_password.hpp"
#include "cli/invite.hpp"
#include "cli/verify_email.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

struct signed_in : cli_fixture {
    signed_in() {
        store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "", "key_own");
        server.replies["POST /v1/auth/invites"] = {
            201, R"({"id":"inv_1","uses":0,"uses_allowed":3,"expires_at":"2030-01-31T00:00:00Z","code":"inv_code"})"};
        server.replies["GET /v1/auth/invites"] = {
            200, R"({"invites":[{"id":"inv_1","uses":1,"uses_allowed":3,"expires_at":"2030-01-31T00:00:00Z"}],)"
                 R"("invited":[{"email":"b***@x.y","joined_at":"2026-01-01T00:00:00Z"}],)"
                 R"("invites_per_account":3,"credit":5,"invited_by":"a***@x.y"})"};
        server.replies["DELETE /v1/auth/invites/inv_1"] = {204, ""};
        server.replies["POST /v1/auth/verify-email/resend"] = {202, R"({"message":"sent"})"};
        server.replies["POST /v1/auth/password"] = {200, R"({"revoked_keys":2})"};
    }
    invite_options invite(invite_options::action action, const std::string& id = {}) {
        invite_options o;
        o.what = action;
        o.id = id;
        return o;
    }
};

using invite_action = invite_options::action;

}  // namespace

TEST_CASE("invite create prints the code alone on stdout") {
    signed_in f;
    auto o = f.invite(invite_action::create);
    o.uses = "3";
    o.expires = "2030-01-31T00:00:00Z";
    CHECK(status_of(f.run(run_invite, o)) == 0);
    CHECK(f.out.text() == "inv_code\n");
    CHECK(f.server.requests.back().body == R"({"expires_at":"2030-01-31T00:00:00Z","uses":3})");
    o.uses = "many";
    CHECK(status_of(f.run(run_invite, o)) == 2);
}

TEST_CASE("invite ls shows codes, people and credit") {
    signed_in f;
    CHECK(status_of(f.run(run_invite, f.invite(invite_action::list))) == 0);
    CHECK(f.out.text() ==
          "inv_1  1 of 3 used  until 2030-01-31T00:00:00Z\n👤 b***@x.y came at 2026-01-01T00:00:00Z\nCredit: 5\n"
          "Invited by: a***@x.y\n");
}

TEST_CASE("invite revoke names what is not there") {
    signed_in f;
    CHECK(status_of(f.run(run_invite, f.invite(invite_action::revoke, "inv_1"))) == 0);
    CHECK(f.out.text() == "✅ Invitation revoked: inv_1\n");
    f.server.replies["DELETE /v1/auth/invites/inv_2"] = {404, R"({"error":"not_found","message":"no","code":4004})"};
    const auto missing = f.run(run_invite, f.invite(invite_action::revoke, "inv_2"));
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == errc::not_found);
    CHECK(f.run(run_invite, f.invite(invite_action::revoke, "..")).error().code == errc::not_found);
}

TEST_CASE("auth verify has the link sent, and says when there is nothing to do") {
    signed_in f;
    CHECK(status_of(f.run(run_verify_email)) == 0);
    f.server.replies["POST /v1/auth/verify-email/resend"] = {
        409, R"({"error":"conflict","message":"This email address is verified already","code":4009})"};
    const auto done = f.run(run_verify_email);
    REQUIRE_FALSE(done);
    CHECK(std::string(done.error().what()).find("verified already") != std::string::npos);
}

TEST_CASE("auth password change reads both passwords from standard input and prints neither") {
    signed_in f;
    f.in.fill("correct horse\r\ngravity \"falls\" up\n");
    change_password_options o;
    o.password_stdin = true;
    o.end_keys = "all";
    CHECK(status_of(f.run(run_change_password, o)) == 0);
    CHECK(f.server.requests.back().body ==
          R"({"current":"correct horse","new":"gravity \"falls\" up","revoke_keys":"all"})");
    CHECK(f.out.text() == "✅ Password changed; 2 other keys ended with it\n");
}

TEST_CASE("auth password change refuses one line, another word for keys, and no terminal") {
    signed_in f;
    change_password_options o;
    CHECK(f.run(run_change_password, o).error().code == errc::not_a_terminal);
    o.end_keys = "some";
    CHECK(f.run(run_change_password, o).error().code == errc::usage);
    o.end_keys = "none";
    o.password_stdin = true;
    f.in.fill("only one line");
    CHECK(f.run(run_change_password, o).error().code == errc::usage);
}
