#include "cli/account.hpp"

#include "cli/login.hpp"
#include "cli/tunnels.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

constexpr const char* known_user =
    R"({"id":"user_456","email":"john@example.com","name":"John Doe","plan":"pro","created_at":"2024-01-15T10:30:00Z",)"
    R"("usage":{"tunnels_created":156,"data_transferred":"2.4 GB","requests_served":12487},)"
    R"("permissions":["tunnels:*","analytics:read"],"key":{"id":"key_1","name":"CLI","expires_at":null}})";
constexpr const char* unauthorized = R"({"error":"unauthorized","message":"Invalid or missing API key","code":4001})";

struct with_account : cli_fixture {
    with_account() {
        store_profile("default", "it_1234567890abcdef", "https://api.t.example.com");
        server.replies["GET /v1/auth/user"] = {200, known_user};
    }
};

}  // namespace

TEST_CASE("auth status prints its three lines, and where things come from on stderr") {
    with_account f;
    CHECK(status_of(f.run(run_auth_status)) == 0);
    CHECK(f.out.text() == "Current API Key: it_***...def\nStatus: Valid\nExpires: Never\n");
    CHECK(f.err.text() == "Key from: profile default\nServer: https://api.t.example.com (from: profile default)\n");
    REQUIRE(f.server.requests.size() == 1);
    CHECK(f.server.requests[0].url == "https://api.t.example.com/v1/auth/user");
    CHECK(f.server.requests[0].authorization == "Bearer it_1234567890abcdef");
}

TEST_CASE("auth status shows when a key expires") {
    with_account f;
    std::string dated = known_user;
    dated.replace(dated.find("null"), 4, "\"2030-01-01T00:00:00Z\"");
    f.server.replies["GET /v1/auth/user"].second = dated;
    CHECK(status_of(f.run(run_auth_status)) == 0);
    CHECK(f.out.text() == "Current API Key: it_***...def\nStatus: Valid\nExpires: 2030-01-01T00:00:00Z\n");
}

TEST_CASE("auth status of a key that does not work is Invalid with exit code 3") {
    with_account f;
    f.server.replies["GET /v1/auth/user"] = {401, unauthorized};
    CHECK(status_of(f.run(run_auth_status)) == 3);
    CHECK(f.out.text() == "Current API Key: it_***...def\nStatus: Invalid\nExpires: Unknown\n");
    CHECK(f.err.text().ends_with(
        "Error: https://api.t.example.com does not know the API key from profile default (it_***...def, 19 "
        "characters). Check it for spaces and missing characters, and whether it was deleted. Sign in again: "
        "instatunnel login\n"));
}

TEST_CASE("auth status without a network is Unknown with exit code 5") {
    with_account f;
    f.server.unreachable = failure(errc::server_unreachable, "Cannot reach api.t.example.com:443: connection refused");
    CHECK(status_of(f.run(run_auth_status)) == 5);
    CHECK(
        f.out.text() ==
        "Current API Key: it_***...def\nStatus: Unknown (cannot reach https://api.t.example.com)\nExpires: Unknown\n");
}

TEST_CASE("auth status of a server that answers nonsense is an error, not a status") {
    with_account f;
    f.server.replies["GET /v1/auth/user"] = {200, "<html>"};
    CHECK(f.run(run_auth_status).error().code == errc::unexpected_reply);
    CHECK(f.out.text().empty());
}

TEST_CASE("auth status --json names the sources") {
    with_account f;
    f.globals.json = true;
    CHECK(status_of(f.run(run_auth_status)) == 0);
    CHECK(
        f.out.text() ==
        R"({"event":"auth.status","status":"valid","key":"it_***...def","key_source":"profile","server":"https://api.t.example.com",)"
        R"("server_source":"profile","profile":"default","expires_at":null})"
        "\n");
    CHECK(f.err.text().empty());
}

TEST_CASE("auth status without a key is exit code 3 and says how to get one") {
    cli_fixture f;
    CHECK(status_of(f.run(run_auth_status)) == 3);
    CHECK(f.out.text().empty());
    CHECK(f.err.text() == "Error: No API key found. Sign in with: instatunnel login, or set INSTATUNNEL_API_KEY\n");
}

TEST_CASE("auth test prints the promised block") {
    with_account f;
    CHECK(status_of(f.run(run_auth_test)) == 0);
    CHECK(f.out.text() ==
          "✅ API key is valid\n👤 User: john@example.com\n📋 Plan: Pro\n🔑 Permissions: tunnels:*, analytics:read\n");
    CHECK(f.err.text().empty());
}

TEST_CASE("auth test sums up the scopes of a group that is held whole") {
    with_account f;
    std::string all = known_user;
    all.replace(all.find("\"tunnels:*\""), 11, R"("tunnels:read","tunnels:write","tunnels:delete","tunnels:stats")");
    f.server.replies["GET /v1/auth/user"].second = all;
    CHECK(status_of(f.run(run_auth_test)) == 0);
    CHECK(f.out.text().ends_with("🔑 Permissions: tunnels:*, analytics:read\n"));
}

TEST_CASE("auth test --scope answers for one permission") {
    with_account f;
    CHECK(status_of(f.run(run_auth_test, {"tunnels:write"})) == 0);
    CHECK(f.out.text() == "✅ Permission 'tunnels:write' granted\n");
}

TEST_CASE("auth test --scope of a permission that is missing is exit code 4") {
    with_account f;
    CHECK(status_of(f.run(run_auth_test, {"admin:write"})) == 4);
    CHECK(f.out.text().empty());
    CHECK(f.err.text().starts_with("Error: Permission 'admin:write' is not granted to this key. "));
}

TEST_CASE("auth test --scope of no known permission is wrong usage before anything is sent") {
    with_account f;
    CHECK(status_of(f.run(run_auth_test, {"tunnel:write"})) == 2);
    CHECK(
        f.err.text() ==
        "Error: There is no permission \"tunnel:write\". Did you mean: instatunnel auth test --scope tunnels:write\n");
    CHECK(f.server.requests.empty());
}

TEST_CASE("a session that ended is told apart from a key that ended, and each says what to do") {
    const auto told = [](const char* reason, const char* key_id, bool from_environment) {
        with_account f;
        f.store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "", key_id);
        if (from_environment) f.env.api_key = secret("it_1234567890abcdef");
        f.server.replies["GET /v1/auth/user"] = {401, std::string(R"({"code":4001,"reason":")") + reason + "\"}"};
        CHECK(status_of(f.run(run_auth_test)) == 3);
        return f.err.text();
    };
    const std::string key = "the API key from profile default (it_***...def, 19 characters)";
    const std::string again = ". Sign in again: instatunnel login\n";
    CHECK(told("expired_key", "key_1", false) == "Error: Session expired: " + key + " is past its end date" + again);
    CHECK(told("expired_key", "", false) == "Error: Expired: " + key + " is past its end date" + again);
    CHECK(told("revoked_key", "key_1", false) == "Error: Session ended: " + key + " was revoked" + again);
    CHECK(told("revoked_key", "", true) ==
          "Error: Revoked: the API key from INSTATUNNEL_API_KEY (it_***...def, 19 characters) was revoked. Set "
          "INSTATUNNEL_API_KEY to another key, or unset it and sign in: instatunnel login\n");
}

TEST_CASE("auth test with an invalid key is exit code 3") {
    with_account f;
    f.server.replies["GET /v1/auth/user"] = {401, unauthorized};
    CHECK(status_of(f.run(run_auth_test)) == 3);
    CHECK(f.out.text().empty());
}

TEST_CASE("whoami shows account, plan and usage") {
    with_account f;
    CHECK(status_of(f.run(run_whoami)) == 0);
    CHECK(f.out.text() ==
          "👤 User: john@example.com (John Doe)\n📋 Plan: Pro\n"
          "📊 Usage: 156 tunnels created, 12487 requests served, 2.4 GB transferred\n");
}

TEST_CASE("what the plan allows goes beside the promised lines, never between them") {
    with_account f;
    std::string limited = known_user;
    limited.insert(
        limited.rfind('}'),
        R"(,"limits":{"tunnels":3,"names":null,"mcp":false,"custom_domains":true,"requests_per_minute":120})");
    f.server.replies["GET /v1/auth/user"].second = limited;
    CHECK(status_of(f.run(run_auth_test)) == 0);
    CHECK(f.out.text() ==
          "✅ API key is valid\n👤 User: john@example.com\n📋 Plan: Pro\n🔑 Permissions: tunnels:*, analytics:read\n");
    CHECK(f.err.text().find("Limits: tunnels at once: 3, names: unlimited, MCP: no, custom domains: yes, API calls a "
                            "minute: 120\n") != std::string::npos);
}

TEST_CASE("ls prints the tunnels that run") {
    with_account f;
    f.server.replies["GET /v1/tunnels"] = {
        200,
        R"({"tunnels":[{"id":"tun_1","name":"demo","url":"https://demo.t.example.com","target":"localhost:3000","status":"online",)"
        R"("created_at":"2024-01-15T10:30:00Z","requests":7},{"id":"tun_2","name":"old","url":"https://old.t.example.com",)"
        R"("target":"localhost:1","status":"offline","created_at":"2024-01-15T10:30:00Z","requests":0}]})"};
    CHECK(status_of(f.run(run_list)) == 0);
    CHECK(f.out.text() ==
          "Active Tunnels (1)\nhttps://demo.t.example.com -> localhost:3000\n"
          "  Subdomain: demo  Status: online  Requests: 7  Created: 2024-01-15T10:30:00Z\n");
    CHECK(f.err.text() == "1 more name is kept for this account: instatunnel ls --json\n");
}

TEST_CASE("ls without tunnels says so, and --json is one object") {
    with_account f;
    f.server.replies["GET /v1/tunnels"] = {200, R"({"tunnels":[]})"};
    CHECK(status_of(f.run(run_list)) == 0);
    CHECK(f.out.text() == "No active tunnels\n");
    f.globals.json = true;
    CHECK(status_of(f.run(run_list)) == 0);
    CHECK(f.out.text().ends_with("{\"event\":\"tunnels\",\"tunnels\":[]}\n"));
}

TEST_CASE("kill stops a tunnel by name; a name that is not there is exit code 6") {
    with_account f;
    f.server.replies["DELETE /v1/tunnels/demo"] = {204, ""};
    f.server.replies["DELETE /v1/tunnels/other"] = {404,
                                                    R"({"error":"not_found","message":"No such tunnel","code":4004})"};
    CHECK(status_of(f.run(run_kill, {"demo"})) == 0);
    CHECK(f.out.text() == "Tunnel 'demo' has been stopped\n");
    CHECK(status_of(f.run(run_kill, {"other"})) == 6);
}
