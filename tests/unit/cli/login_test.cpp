#include "cli/login.hpp"

#include "cli/logout.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

constexpr const char* accepted =
    R"({"api_key":"it_1234567890abcdef","user":{"id":"user_456","email":"user@example.com","name":"U"}})";
constexpr const char* signed_in_account =
    R"({"id":"user_456","email":"user@example.com","plan":"pro","usage":{},"permissions":[],"key":{"id":"key_9","expires_at":null}})";

struct signing_in : cli_fixture {
    signing_in() {
        server.replies["POST /v1/auth/login"] = {200, accepted};
        server.replies["GET /v1/auth/user"] = {200, signed_in_account};
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
    CHECK(f.err.text() ==
          "Error: Wrong email or password. Forgotten? instatunnel auth password reset -e user@example.com. No account "
          "yet? instatunnel login -e user@example.com --register\n");
    CHECK_FALSE(f.store().load("default").value().has_value());
}

namespace {

constexpr const char* wrong =
    R"({"error":"unauthorized","message":"Wrong email or password","code":4001,"reason":"wrong_password"})";
constexpr const char* known =
    R"({"error":"conflict","message":"This email address has an account already","code":4009,"field":"email"})";
constexpr const char* registered = R"({"api_key":"it_abcdef0123456789","email":"new@example.com","plan":"free"})";

struct at_terminal : signing_in {
    at_terminal() {
        person_at_terminal();
        server.replies["POST /v1/auth/login"] = {401, wrong};
        server.replies["POST /v1/auth/register"] = {201, registered};
    }
    void answer(const char* label, outcome<std::string> text) { prompter.answers.emplace_back(label, std::move(text)); }
    std::string asked(std::size_t i) const {
        const auto& r = server.requests.at(i);
        return r.method + " " + r.url.substr(r.url.find("/v1"));
    }
};

constexpr const char* password_label = "🔒 Password: ";
constexpr const char* again_label = "🔒 Password again: ";
constexpr const char* offer_label = "Create an account for new@example.com? [y/N] ";

}  // namespace

TEST_CASE("after a failed try login offers the account, and makes it") {
    at_terminal f;
    f.answer(password_label, "mypassword");
    f.answer(offer_label, "Y");
    f.answer(again_label, "mypassword");
    CHECK(status_of(f.run(run_login, {"new@example.com"})) == 0);
    CHECK(f.out.text() == "✅ Account created\n✅ Login successful\n🔑 API Key: it_abcdef0123456789\n");
    CHECK(f.err.text() == "Wrong email or password\n");
    CHECK(f.asked(1) == "POST /v1/auth/register");
    CHECK(f.store().load("default").value()->email == "new@example.com");
}

TEST_CASE("a known address with a wrong password is told apart from an unknown one, and may try again") {
    at_terminal f;
    f.server.replies["POST /v1/auth/register"] = {409, known};
    f.answer(password_label, "wrong1");
    f.answer(offer_label, "yes");
    f.answer(again_label, "wrong1");
    f.answer(password_label, "wrong2");
    f.answer(password_label, "wrong3");
    const auto result = f.run(run_login, {"new@example.com"});
    CHECK(result.error().code == errc::wrong_password);
    CHECK(f.err.text() ==
          "Wrong email or password\n"
          "There is an account for new@example.com already: the password was wrong. Forgotten? instatunnel auth "
          "password reset -e new@example.com\n"
          "Wrong email or password\n"
          "Error: Wrong email or password. Forgotten? instatunnel auth password reset -e new@example.com. No account "
          "yet? instatunnel login -e new@example.com --register\n");
    CHECK(f.server.requests.size() == 4);
    CHECK_FALSE(f.store().load("default").value().has_value());
}

TEST_CASE("the offer is made once when it is declined, and anything but yes declines") {
    at_terminal f;
    f.answer(password_label, "wrong1");
    f.answer(offer_label, "");
    f.answer(password_label, "wrong2");
    f.answer(password_label, "wrong3");
    CHECK(status_of(f.run(run_login, {"new@example.com"})) == 3);
    CHECK(f.server.requests.size() == 3);
}

TEST_CASE("an account is not made when the password was not typed the same twice, or is refused") {
    at_terminal f;
    f.answer(password_label, "first");
    f.answer(offer_label, "y");
    f.answer(again_label, "frist");
    f.server.replies["POST /v1/auth/register"] = {
        422,
        R"({"error":"invalid","message":"The password must have 8 to 1024 bytes","code":4022,"field":"password"})"};
    f.answer(password_label, "second");
    f.answer(offer_label, "y");
    f.answer(again_label, "second");
    f.answer(password_label, failure(errc::cancelled));
    CHECK(f.run(run_login, {"new@example.com"}).error().code == errc::cancelled);
    CHECK(f.err.text().find("The two passwords differ; no account was made\n") != std::string::npos);
    CHECK(f.err.text().find("The password must have 8 to 1024 bytes\n") != std::string::npos);
    CHECK(f.server.requests.size() == 3);
}

TEST_CASE("a server without sign-up ends the offer with its own words") {
    at_terminal f;
    f.server.replies["POST /v1/auth/register"] = {
        403, R"({"error":"forbidden","message":"Sign-up is closed on this server","code":4003})"};
    f.answer(password_label, "first");
    f.answer(offer_label, "y");
    f.answer(again_label, "first");
    CHECK(status_of(f.run(run_login, {"new@example.com"})) == 4);
    CHECK(f.err.text() ==
          "Wrong email or password\nError: Sign-up is closed on this server. Ask the server's owner for an account\n");
}

TEST_CASE("a slip at the email prompt is asked again, three times at most") {
    at_terminal f;
    f.server.replies["POST /v1/auth/login"] = {200, accepted};
    f.answer("📧 Email: ", "user");
    f.answer("📧 Email: ", "user@example.com");
    f.answer(password_label, "");
    f.answer(password_label, "mypassword");
    CHECK(status_of(f.run(run_login)) == 0);
    CHECK(f.err.text() == "That is not an email address\nThe password is empty\n");
    at_terminal g;
    for (int i = 0; i < 3; ++i)
        g.answer("📧 Email: ", "");
    CHECK(status_of(g.run(run_login)) == 2);
    CHECK(g.server.requests.empty());
}

TEST_CASE("login --register makes the account without a question, with the invitation") {
    at_terminal f;
    f.traits = {};
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"new@example.com", true, true, "friend-1"})) == 0);
    CHECK(f.out.text() == "✅ Account created\n✅ Login successful\n🔑 API Key: it_abcdef0123456789\n");
    CHECK(f.asked(0) == "POST /v1/auth/register");
    CHECK(f.server.requests[0].body == R"({"email":"new@example.com","password":"mypassword","invite":"friend-1"})");
}

TEST_CASE("login --register at a terminal asks for the password twice") {
    at_terminal f;
    f.answer(password_label, "first");
    f.answer(again_label, "other");
    f.answer(password_label, "mypassword");
    f.answer(again_label, "mypassword");
    CHECK(status_of(f.run(run_login, {"new@example.com", false, true})) == 0);
    CHECK(f.err.text() == "The two passwords differ\n");
    CHECK(f.server.requests.size() == 2);
}

TEST_CASE("login --register of a known address signs in, or says that the password is another") {
    at_terminal f;
    f.traits = {};
    f.server.replies["POST /v1/auth/register"] = {409, known};
    f.server.replies["POST /v1/auth/login"] = {200, accepted};
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true, true})) == 0);
    CHECK(f.out.text() == "✅ Login successful\n🔑 API Key: it_1234567890abcdef\n");
    CHECK(f.err.text() == "There is an account for user@example.com already: signing in\n");
    at_terminal g;
    g.traits = {};
    g.server.replies["POST /v1/auth/register"] = {409, known};
    g.in.fill("mypassword\n");
    CHECK(status_of(g.run(run_login, {"user@example.com", true, true})) == 3);
    CHECK(g.err.text().ends_with(
        "Error: There is an account for user@example.com already, and this is not its password. Sign in: instatunnel "
        "login -e user@example.com, or set a new password: instatunnel auth password reset -e user@example.com\n"));
}

TEST_CASE("a key that cannot be stored is given back to the server") {
    signing_in f;
    f.server.replies["POST /v1/auth/logout"] = {204, ""};
    std::filesystem::create_directories(f.env.home / "config.json.lock");
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 1);
    REQUIRE_FALSE(f.server.requests.empty());
    CHECK(f.server.requests.back().url.ends_with("/v1/auth/logout"));
    CHECK(f.server.requests.back().authorization == "Bearer it_1234567890abcdef");
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
        R"({"event":"login","email":"user@example.com","server":"https://api.instatunnel.my","profile":"default","api_key":"it_1234567890abcdef","created":false})"
        "\n");
}

TEST_CASE("a key in the environment that wins over the new one is said") {
    signing_in f;
    f.env.api_key = secret("it_envenvenvenvenve");
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 0);
    CHECK(f.err.text() == "INSTATUNNEL_API_KEY is set and wins over the stored key\n");
}

namespace {

constexpr const char* code_wanted =
    R"({"error":"unauthorized","message":"A code is needed","code":4001,"reason":"otp_required"})";
constexpr const char* code_wrong =
    R"({"error":"unauthorized","message":"That code is wrong","code":4001,"reason":"otp_wrong"})";
constexpr const char* code_label = "🔢 Code: ";

}  // namespace

TEST_CASE("an account with a second factor is asked for its code") {
    at_terminal f;
    f.server.replies["POST /v1/auth/login"] = {401, code_wanted};
    f.server.on_request = [&](const test::scripted_server::request& sent) {
        if (sent.body.find(R"("otp":"123456")") != std::string::npos)
            f.server.replies["POST /v1/auth/login"] = {200, accepted};
        else if (sent.body.find("otp") != std::string::npos)
            f.server.replies["POST /v1/auth/login"] = {401, code_wrong};
    };
    f.answer(password_label, "mypassword");
    f.answer(code_label, "000000");
    f.answer(code_label, "123456");
    CHECK(status_of(f.run(run_login, {"user@example.com"})) == 0);
    CHECK(f.out.text() == "✅ Login successful\n🔑 API Key: it_1234567890abcdef\n");
    CHECK(f.err.text() == "The code is wrong, or was used before\n");
    CHECK(f.server.requests.at(0).body == R"({"email":"user@example.com","password":"mypassword"})");
    CHECK(f.server.requests.at(2).body == R"({"email":"user@example.com","password":"mypassword","otp":"123456"})");
}

TEST_CASE("three wrong codes end it with exit code 3, and so does leaving the prompt") {
    at_terminal f;
    f.server.replies["POST /v1/auth/login"] = {401, code_wrong};
    f.answer(password_label, "mypassword");
    f.answer(code_label, "1");
    f.answer(code_label, "2");
    auto options = login_options{"user@example.com"};
    options.otp = "0";
    const auto result = f.run(run_login, options);
    CHECK(result.error().code == errc::otp_wrong);
    CHECK(status_of(result) == 3);
    CHECK(f.server.requests.size() == 3);
    f.answer(password_label, "mypassword");
    f.answer(code_label, failure(errc::cancelled));
    CHECK(f.run(run_login, {"user@example.com"}).error().code == errc::cancelled);
}

TEST_CASE("without a terminal the code of a second factor comes with --otp, or login says so") {
    signing_in f;
    f.server.replies["POST /v1/auth/login"] = {401, code_wanted};
    f.in.fill("mypassword\n");
    CHECK(status_of(f.run(run_login, {"user@example.com", true})) == 3);
    CHECK(f.err.text() ==
          "Error: The account user@example.com has a second factor, and there is no terminal to ask on. Give the code: "
          "instatunnel login -e user@example.com --password-stdin --otp CODE\n");
    signing_in g;
    g.in.fill("mypassword\n");
    login_options with_code{"user@example.com", true};
    with_code.otp = "123456";
    CHECK(status_of(g.run(run_login, with_code)) == 0);
    CHECK(g.server.requests.at(0).body.find(R"("otp":"123456")") != std::string::npos);
    signing_in h;
    h.server.replies["POST /v1/auth/login"] = {401, code_wrong};
    h.in.fill("mypassword\n");
    CHECK(status_of(h.run(run_login, with_code)) == 3);
    CHECK(h.server.requests.size() == 1);
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
    CHECK(
        f.err.text() ==
        "The key was removed here but not revoked: Cannot reach the server. Until then it stays valid; revoke it with "
        "another key: instatunnel auth keys revoke key_9\n");
}

TEST_CASE("logout revokes where the key belongs, whatever server the environment names") {
    cli_fixture f;
    f.store_profile("default", "it_1234567890abcdef", "https://api.t.example.com", "/ca.pem", "key_9");
    f.env.server = "https://api.other.example.com";
    f.server.replies["POST /v1/auth/logout"] = {204, ""};
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(f.server.requests.at(0).url == "https://api.t.example.com/v1/auth/logout");
    CHECK(f.server.cacert == "/ca.pem");
}

TEST_CASE("logout --json says what was done and what was not") {
    cli_fixture f;
    f.globals.json = true;
    f.store_profile("default", "it_1234567890abcdef", "", "", "key_9");
    f.server.unreachable = failure(errc::server_unreachable, "Cannot reach the server");
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(
        f.out.text() ==
        R"({"event":"logout","profile":"default","removed":true,"revoked":false,"reason":"server_unreachable","key_id":"key_9"})"
        "\n");
}

TEST_CASE("logout without a key is done already") {
    cli_fixture f;
    CHECK(status_of(f.run(run_logout)) == 0);
    CHECK(f.out.text() == "No API key is stored in profile default\n");
    CHECK_FALSE(std::filesystem::exists(f.env.home));
}
