#include "cli/login.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

constexpr const char* accepted =
    R"({"api_key":"it_1234567890abcdef","user":{"id":"user_456","email":"user@example.com","name":"U"}})";
constexpr const char* account =
    R"({"id":"user_456","email":"user@example.com","plan":"pro","usage":{},"permissions":[],"key":{"id":"key_9","expires_at":null}})";

struct signing_in : cli_fixture {
    signing_in() {
        server.replies["POST /v1/auth/login"] = {200, accepted};
        server.replies["GET /v1/auth/user"] = {200, account};
    }
};

}  // namespace

TEST_CASE("login asks, stores the key and prints the promised lines") {
    signing_in f;
    f.person_at_terminal();
    f.prompter.answers.emplace_back("📧 Email: ", "user@example.com");
    f.prompter.answers.emplace_back("🔒 Password: ", "mypassword");
    CHECK(status_of(f.run(run_login)) == 0);
    CHECK(f.out.text() == "✅ Login successful\n🔑 API Key: it_1234567890abcdef\n");
    CHECK(f.err.text().empty());
    const auto stored = f.store().load("default").value();
    REQUIRE(stored.has_value());
    CHECK(stored->key.reveal() == "it_1234567890abcdef");
    CHECK(stored->email == "user@example.com");
    CHECK(stored->key_id == "key_9");
    CHECK(stored->server.empty());
    CHECK(f.folder.mode("home/config.json") == 0600);
    CHECK(f.server.requests[0].url == "https://api.instatunnel.my/v1/auth/login");
}

TEST_CASE("login stores the server and the CA file that it was given, in the profile that was named") {
    signing_in f;
    f.globals.server = "https://api.t.example.com";
    f.globals.cacert = "/etc/ca.pem";
    f.globals.profile = "work";
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 0);
    const auto stored = f.store().load("work").value();
    REQUIRE(stored.has_value());
    CHECK(stored->server == "https://api.t.example.com");
    CHECK(stored->cacert == "/etc/ca.pem");
    CHECK(f.server.cacert == "/etc/ca.pem");
    CHECK(f.server.requests[0].body.find("\"mypassword\"") != std::string::npos);
}

TEST_CASE("login without a terminal fails at once and names what to use") {
    signing_in f;
    CHECK(status_of(f.run(run_login)) == 2);
    CHECK(f.err.text() ==
          "Error: An email is needed, and there is no terminal to ask on. Give both: instatunnel login -e EMAIL "
          "--password-stdin\n");
    signing_in g;
    CHECK(status_of(g.run(run_login, {"user@example.com", false})) == 2);
    CHECK(g.err.text() ==
          "Error: A password is needed, and there is no terminal to ask on. Pipe it: instatunnel login -e EMAIL "
          "--password-stdin < password.txt\n");
    CHECK(g.server.requests.empty());
}

TEST_CASE("a wrong password is exit code 3 and stores nothing") {
    signing_in f;
    f.server.replies["POST /v1/auth/login"] = {
        401, R"({"error":"unauthorized","message":"Wrong email or password","code":4001})"};
    f.in.fill("wrong\n");
    const auto result = f.run(run_login, {"user@example.com", true});
    CHECK(result.error().code == errc::wrong_password);
    CHECK(status_of(result) == 3);
    CHECK(f.err.text() == "Error: Wrong email or password. Try again: instatunnel login\n");
    CHECK_FALSE(f.store().load("default").value().has_value());
}

TEST_CASE("what cannot be an email or password is refused before anything is sent") {
    signing_in f;
    for (const char* email : {"user", "@x", "x@", "a b@c"})
        CHECK(status_of(f.run(run_login, {email, true})) == 2);
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 2);
    CHECK(f.server.requests.empty());
}

TEST_CASE("Ctrl+C at a prompt of login is a cancellation") {
    signing_in f;
    f.person_at_terminal();
    f.prompter.answers.emplace_back("📧 Email: ", failure(errc::cancelled));
    CHECK(f.run(run_login).error().code == errc::cancelled);
    CHECK(f.server.requests.empty());
}

TEST_CASE("login --json gives one object and asks nothing") {
    signing_in f;
    f.globals.json = true;
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 0);
    CHECK(
        f.out.text() ==
        R"({"event":"login","email":"user@example.com","server":"https://api.instatunnel.my","profile":"default","api_key":"it_1234567890abcdef"})"
        "\n");
}

TEST_CASE("a key in the environment that wins over the new one is said") {
    signing_in f;
    f.env.api_key = secret("it_envenvenvenvenve");
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 0);
    CHECK(f.err.text() == "INSTATUNNEL_API_KEY is set and wins over the stored key\n");
}

TEST_CASE("logout revokes a key that login made, and keeps the server") {
    cli_fixture f;
    f.store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "/ca.pem", "key_9");
    f.server.replies["POST /v1/auth/logout"] = {204, ""};
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(f.out.text() == "✅ Logged out\n");
    REQUIRE(f.server.requests.size() == 1);
    CHECK(f.server.requests[0].authorization == "Bearer it_1234567890abcdef");
    const auto left = f.store().load("default").value();
    REQUIRE(left.has_value());
    CHECK(left->key.empty());
    CHECK(left->server == "https://api.t.example.com");
    CHECK(left->cacert == "/ca.pem");
}

TEST_CASE("logout forgets a key that was set by hand without revoking it") {
    cli_fixture f;
    f.store_profile("default", "it_1234567890abcdef");
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(f.server.requests.empty());
    CHECK(f.store().load("default").value()->key.empty());
}

TEST_CASE("logout without a network still forgets the key and says what it could not do") {
    cli_fixture f;
    f.store_profile("default", "it_1234567890abcdef", "", "", "key_9");
    f.server.unreachable = failure(errc::server_unreachable, "Cannot reach the server");
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(f.store().load("default").value()->key.empty());
    CHECK(f.err.text() == "The key was removed here but not revoked: Cannot reach the server\n");
}

TEST_CASE("logout without a key is done already") {
    cli_fixture f;
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(f.out.text() == "No API key is stored in profile default\n");
    CHECK_FALSE(std::filesystem::exists(f.env.home));
}
