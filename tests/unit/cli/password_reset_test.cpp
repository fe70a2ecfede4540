#include "cli/password_reset.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

TEST_CASE("password reset asks for a link and does not claim that there is an account") {
    cli_fixture f;
    f.server.replies["POST /v1/auth/password/reset-request"] = {202, ""};
    CHECK(status_of(f.run(run_password_reset, {" user@example.com "})) == 0);
    CHECK(f.out.text() ==
          "If there is an account for user@example.com, a link to set a new password is on its way to it\n");
    REQUIRE(f.server.requests.size() == 1);
    CHECK(f.server.requests[0].body == R"({"email":"user@example.com"})");
    CHECK(f.server.requests[0].authorization.empty());
}

TEST_CASE("password reset takes the email of the profile, and needs one") {
    cli_fixture f;
    CHECK(status_of(f.run(run_password_reset)) == 2);
    f.store_profile("default", "it_1234567890abcdef");
    f.server.replies["POST /v1/auth/password/reset-request"] = {204, ""};
    f.globals.json = true;
    CHECK(status_of(f.run(run_password_reset)) == 0);
    CHECK(f.out.text() ==
          R"({"event":"auth.password_reset","email":"stored@example.com","server":"https://api.instatunnel.my"})"
          "\n");
}

TEST_CASE("a server that sends no links is named with the way out") {
    cli_fixture f;
    f.server.replies["POST /v1/auth/password/reset-request"] = {404,
                                                                R"({"error":"not_found","message":"x","code":4004})"};
    CHECK(status_of(f.run(run_password_reset, {"user@example.com"})) == 6);
    CHECK(
        f.err.text() ==
        "Error: https://api.instatunnel.my sends no links for new passwords. Ask its owner for one: instatunnel admin "
        "user reset-link user@example.com\n");
}
