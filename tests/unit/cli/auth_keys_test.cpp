#include "cli/auth_keys.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

constexpr const char* key_owner =
    R"({"id":"user_1","email":"john@example.com","name":"John","plan":"pro","created_at":"2024-01-15T10:30:00Z",)"
    R"("usage":{"tunnels_created":1,"data_transferred":"1 B","requests_served":1},)"
    R"("permissions":["*"],"key":{"id":"key_own","name":"CLI","expires_at":null}})";
constexpr const char* ci =
    R"({"id":"key_ci","name":"CI","key":"it_***...xyz","created_at":"2024-01-15T10:30:00Z","last_used":null,)"
    R"("permissions":["tunnels:read","tunnels:write"],"expires_at":"2030-01-31T00:00:00Z"})";
constexpr const char* made_answer =
    R"({"id":"key_new","name":"CI","key":"it_abcdefghijklmnop","permissions":["tunnels:read"],)"
    R"("created_at":"2024-01-15T10:30:00Z","expires_at":null,"last_used":null,"replaces":"key_own",)"
    R"("old_expires_at":"2024-01-15T11:30:00Z"})";

struct with_keys : cli_fixture {
    with_keys() {
        store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "", "key_own");
        server.replies["GET /v1/auth/user"] = {200, key_owner};
        server.replies["GET /v1/auth/keys"] = {200, std::string(R"({"keys":[)") + ci + "]}"};
        server.replies["GET /v1/auth/keys/key_ci"] = {200, ci};
        server.replies["POST /v1/auth/keys"] = {201, made_answer};
        server.replies["DELETE /v1/auth/keys/key_ci"] = {204, ""};
        server.replies["DELETE /v1/auth/keys/key_own"] = {204, ""};
        server.replies["POST /v1/auth/keys/key_ci/rotate"] = {201, made_answer};
        server.replies["POST /v1/auth/keys/key_own/rotate"] = {201, made_answer};
    }
    config::profile stored() { return store().load("default").value().value(); }
    bool asked(const std::string& method, const std::string& path) {
        for (const auto& r : server.requests)
            if (r.method == method && r.url == "https://api.t.example.com/v1" + path) return true;
        return false;
    }
};

const wall_time noon = parse_rfc3339("2026-01-01T12:00:00Z").value();

}  // namespace

TEST_CASE("an end is a time from now or a date, always to come") {
    CHECK_FALSE(parse_expiry("", noon).value());
    CHECK(parse_expiry("30d", noon).value() == "2026-01-31T12:00:00Z");
    CHECK(parse_expiry("90m", noon).value() == "2026-01-01T13:30:00Z");
    CHECK(parse_expiry("2030-01-31T00:00:00+01:00", noon).value() == "2030-01-30T23:00:00Z");
    for (const char* bad : {"0s", "-1d", "4000d", "tomorrow", "2025-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "1y"}) {
        INFO(bad);
        REQUIRE_FALSE(parse_expiry(bad, noon).has_value());
        CHECK(parse_expiry(bad, noon).error().code == errc::usage);
    }
}

TEST_CASE("auth keys ls is a table for people and one object for programs") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_list)) == 0);
    CHECK(f.out.text() ==
          "ID      NAME  KEY           CREATED               LAST USED  EXPIRES               PERMISSIONS\n"
          "key_ci  CI    it_***...xyz  2024-01-15T10:30:00Z  Never      2030-01-31T00:00:00Z  tunnels:read, "
          "tunnels:write\n");
    with_keys g;
    g.globals.json = true;
    CHECK(status_of(g.run(run_keys_list)) == 0);
    CHECK(
        g.out.text() ==
        R"({"event":"auth.keys","keys":[{"id":"key_ci","name":"CI","key":"it_***...xyz","created_at":"2024-01-15T10:30:00Z",)"
        R"("last_used":null,"expires_at":"2030-01-31T00:00:00Z","permissions":["tunnels:read","tunnels:write"]}]})"
        "\n");
}

TEST_CASE("auth keys show and the errors of the server have their exit codes") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_show, {"key_ci"})) == 0);
    CHECK(f.out.text() ==
          "🔑 CI (key_ci)\nKey: it_***...xyz\nCreated: 2024-01-15T10:30:00Z\nLast used: Never\n"
          "Expires: 2030-01-31T00:00:00Z\nPermissions: tunnels:read, tunnels:write\n");
    f.server.replies["GET /v1/auth/keys/key_x"] = {404, R"({"error":"not_found","message":"x","code":4004})"};
    CHECK(status_of(f.run(run_keys_show, {"key_x"})) == 6);
    f.server.replies["GET /v1/auth/keys"] = {
        403, R"({"error":"forbidden","message":"x","required_scope":"keys:manage","code":4003})"};
    CHECK(status_of(f.run(run_keys_list)) == 4);
    CHECK(f.err.text().find("keys:manage") != std::string::npos);
    f.server.replies["GET /v1/auth/keys"] = {401, R"({"error":"unauthorized","message":"x","code":4001})"};
    CHECK(status_of(f.run(run_keys_list)) == 3);
}

TEST_CASE("auth keys create prints the key alone on stdout") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_create, {"CI", {"tunnels:read"}, "30d"})) == 0);
    CHECK(f.out.text() == "it_abcdefghijklmnop\n");
    CHECK(f.err.text().find("it_abcdefghijklmnop") == std::string::npos);
    CHECK(f.server.requests[0].body.find(R"("permissions":["tunnels:read"])") != std::string::npos);
    CHECK(f.server.requests[0].body.find(R"("expires_at":")") != std::string::npos);
}

TEST_CASE("auth keys create refuses what cannot work before it asks the server") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_create, {"", {"tunnels:read"}, ""})) == 2);
    CHECK(status_of(f.run(run_keys_create, {"x", {"tunnels:raed"}, ""})) == 2);
    CHECK(f.err.text().find("--scope tunnels:read") != std::string::npos);
    CHECK(status_of(f.run(run_keys_create, {"x", {"tunnels:*"}, "yesterday"})) == 2);
    CHECK(f.server.requests.empty());
}

TEST_CASE("auth keys rename says the new name") {
    with_keys f;
    std::string renamed = ci;
    renamed.replace(renamed.find("\"CI\""), 4, "\"Shop\"");
    f.server.replies["PATCH /v1/auth/keys/key_ci"] = {200, renamed};
    CHECK(status_of(f.run(run_keys_rename, {"key_ci", "Shop"})) == 0);
    CHECK(f.out.text() == "✅ Key key_ci is called Shop\n");
    CHECK(f.server.requests[0].body == R"({"name":"Shop"})");
    CHECK(status_of(f.run(run_keys_rename, {"key_ci", "a\nb"})) == 2);
}

TEST_CASE("auth keys revoke of another key asks nothing and leaves the stored one alone") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_revoke, {"key_ci", false})) == 0);
    CHECK(f.out.text() == "✅ Key revoked: key_ci\n");
    CHECK(f.stored().key.reveal() == "it_1234567890abcdef");
}

TEST_CASE("auth keys revoke of the key in use takes a yes, and removes it here too") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_revoke, {"key_own", false})) == 2);
    CHECK_FALSE(f.asked("DELETE", "/auth/keys/key_own"));
    f.person_at_terminal();
    f.prompter.answers.emplace_back("This is the key in use. Revoke it? [y/N] ", "");
    CHECK(f.run(run_keys_revoke, {"key_own", false}).error().code == errc::cancelled);
    CHECK_FALSE(f.asked("DELETE", "/auth/keys/key_own"));
    f.prompter.answers.emplace_back("This is the key in use. Revoke it? [y/N] ", "y");
    CHECK(status_of(f.run(run_keys_revoke, {"key_own", false})) == 0);
    CHECK(f.asked("DELETE", "/auth/keys/key_own"));
    CHECK(f.stored().key.empty());
    with_keys g;
    CHECK(status_of(g.run(run_keys_revoke, {"key_own", true})) == 0);
    CHECK(g.stored().key.empty());
    CHECK(g.stored().server == "https://api.t.example.com");
}

TEST_CASE("rotating the stored key stores the new one and does not print it") {
    with_keys f;
    CHECK(status_of(f.run(run_keys_rotate, {"", "1h", false})) == 0);
    CHECK(f.asked("POST", "/auth/keys/key_own/rotate"));
    CHECK(f.server.requests.back().body == R"({"grace_seconds":3600})");
    CHECK(f.out.text() == "✅ Key rotated: it_***...nop is stored in profile default\n");
    CHECK(f.err.text().find("key_new takes the place of key_own, which works until 2024-01-15T11:30:00Z") !=
          std::string::npos);
    CHECK(f.stored().key.reveal() == "it_abcdefghijklmnop");
    CHECK(f.stored().key_id == "key_new");
    CHECK(f.stored().email == "stored@example.com");
    CHECK(f.stored().server == "https://api.t.example.com");
}

TEST_CASE("rotating a key from the environment, or another one, prints the new key and stores nothing") {
    with_keys f;
    f.env.api_key = secret("it_fromenvironment0");
    f.store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "", "");
    CHECK(status_of(f.run(run_keys_rotate)) == 0);
    CHECK(f.out.text() == "it_abcdefghijklmnop\n");
    CHECK(f.stored().key.reveal() == "it_1234567890abcdef");
    with_keys g;
    CHECK(status_of(g.run(run_keys_rotate, {"key_ci", "", false})) == 0);
    CHECK(g.out.text() == "it_abcdefghijklmnop\n");
    CHECK(g.server.requests.back().body == R"({"grace_seconds":0})");
    CHECK(g.stored().key.reveal() == "it_1234567890abcdef");
    with_keys h;
    CHECK(status_of(h.run(run_keys_rotate, {"key_ci", "", true})) == 0);
    CHECK(h.stored().key.reveal() == "it_abcdefghijklmnop");
}

TEST_CASE("a new key that cannot be stored is printed instead of lost") {
    with_keys f;
    f.server.on_request = [&](const test::scripted_server::request& r) {
        // From here on the file is refused, as one that others can read.
        if (r.method == "POST") std::filesystem::permissions(f.store().file(), std::filesystem::perms(0644));
    };
    CHECK(f.run(run_keys_rotate).error().code == errc::file_permission);
    CHECK(f.out.text() == "it_abcdefghijklmnop\n");
}

TEST_CASE("a grace that cannot be used is wrong usage") {
    with_keys f;
    for (const char* grace : {"31d", "soon", "-1h"})
        CHECK(status_of(f.run(run_keys_rotate, {"", grace, false})) == 2);
    CHECK(f.server.requests.empty());
}
