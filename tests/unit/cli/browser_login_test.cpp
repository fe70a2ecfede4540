#include <thread>

#include "cli/key_from_tokens.hpp"
#include "cli/login.hpp"
#include "cli_fixture.hpp"
#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "loopback_browser.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::loopback_browser;
using test::status_of;

namespace {

const std::string issuer = "https://api.instatunnel.my";
const std::string description =
    R"({"issuer":"https://api.instatunnel.my","authorization_endpoint":"https://api.instatunnel.my/oauth/authorize",)"
    R"("token_endpoint":"https://api.instatunnel.my/oauth/token","revocation_endpoint":"https://api.instatunnel.my/oauth/revoke",)"
    R"("device_authorization_endpoint":"https://api.instatunnel.my/oauth/device"})";
const std::string tokens =
    R"({"access_token":"ita_abc","token_type":"Bearer","expires_in":3600,"refresh_token":"itr_def","scope":"*"})";
const std::string account =
    R"({"id":"user_456","email":"user@example.com","plan":"pro","usage":{},"permissions":["*"],"key":{"id":"tok_1","expires_at":null}})";
const std::string made_key =
    R"({"id":"key_9","name":"CLI - laptop","key":"it_1234567890abcdef","permissions":["tunnels:read"],"created_at":"2026-01-01T00:00:00Z","expires_at":null,"last_used":null})";

/// A graphical session whose browser answers by itself.
struct with_browser : cli_fixture {
    with_browser() {
        env.graphical = true;
        env.host_name = "laptop";
        server.replies["GET /.well-known/oauth-authorization-server"] = {200, description};
        server.replies["POST /oauth/token"] = {200, tokens};
        server.replies["GET /v1/auth/user"] = {200, account};
        server.replies["POST /v1/auth/keys"] = {201, made_key};
        server.replies["POST /oauth/revoke"] = {200, ""};
        browser = [this](const std::string& url) {
            opened = form::parse(url.substr(url.find('?') + 1)).value();
            address = url;
            person = std::thread([this] { answer(); });
            return true;
        };
    }
    ~with_browser() {
        if (person.joinable()) person.join();
    }
    void answer() {
        const auto port = test::port_of(std::string(opened.value("redirect_uri")));
        form given = result.clone();
        given.add("state", std::string(opened.value("state"))).add("iss", issuer);
        page = loopback_browser(port).get("/cb?" + given.text(), "127.0.0.1:" + std::to_string(port)).answer();
    }
    std::string page_text() {
        if (person.joinable()) person.join();
        return page;
    }
    std::vector<std::string> asked() const {
        std::vector<std::string> all;
        for (const auto& r : server.requests)
            all.push_back(r.method + " " + r.url.substr(issuer.size()));
        return all;
    }

    form result = form().add("code", "the-code");
    std::string address;
    form opened;
    std::string page;
    std::thread person;
};

const login_options web{.email = {}, .web = true};

}  // namespace

TEST_CASE("login in a graphical session signs in with the browser and stores the key as ever") {
    with_browser f;
    f.person_at_terminal();
    CHECK(status_of(f.run(run_login)) == 0);
    CHECK(f.out.text() == "✅ Login successful\n🔑 API Key: it_1234567890abcdef\n");
    CHECK(f.err.text() ==
          "Opening the browser to sign in at https://api.instatunnel.my\nIf no browser opens, go to: " + f.address +
              "\nWaiting for the browser; Ctrl+C stops. No browser on this machine? instatunnel login --device\n"
              "Signed in as user@example.com at https://api.instatunnel.my\n");
    const auto stored = f.store().load("default").value();
    REQUIRE(stored.has_value());
    CHECK(stored->key.reveal() == "it_1234567890abcdef");
    CHECK(stored->email == "user@example.com");
    CHECK(stored->key_id == "key_9");
    CHECK(stored->server.empty());
    CHECK(f.page_text().find("signed in as user@example.com") != std::string::npos);
    CHECK(f.asked() == std::vector<std::string>{"GET /.well-known/oauth-authorization-server", "POST /oauth/token",
                                                "GET /v1/auth/user", "POST /v1/auth/keys", "POST /oauth/revoke"});
}

TEST_CASE("the browser is sent with PKCE, and the code is exchanged with what belongs to it") {
    with_browser f;
    CHECK(status_of(f.run(run_login, web)) == 0);
    CHECK(f.address.starts_with("https://api.instatunnel.my/oauth/authorize?"));
    CHECK(f.opened.value("response_type") == "code");
    CHECK(f.opened.value("client_id") == "instatunnel-cli");
    CHECK(f.opened.value("scope") == "*");
    CHECK(f.opened.value("code_challenge_method") == "S256");
    CHECK(f.opened.value("state").size() >= 32);
    const auto exchange = form::parse(f.server.requests.at(1).body).value();
    CHECK(exchange.value("code") == "the-code");
    CHECK(exchange.value("redirect_uri") == f.opened.value("redirect_uri"));
    CHECK(auth::code_challenge(exchange.value("code_verifier")) == f.opened.value("code_challenge"));
    CHECK(f.server.requests.at(2).authorization == "Bearer ita_abc");
    CHECK(f.server.requests.at(3).authorization == "Bearer ita_abc");
    CHECK(f.server.requests.at(3).body.find(R"("name":"CLI - laptop")") != std::string::npos);
    for (const auto scope : auth::all_scopes())
        CHECK(f.server.requests.at(3).body.find(scope) != std::string::npos);
    CHECK(f.server.requests.at(4).body == "token=itr_def&client_id=instatunnel-cli");
}

TEST_CASE("two sign-ins have nothing in common") {
    with_browser f, g;
    CHECK(status_of(f.run(run_login, web)) == 0);
    CHECK(status_of(g.run(run_login, web)) == 0);
    CHECK(f.opened.value("state") != g.opened.value("state"));
    CHECK(f.opened.value("code_challenge") != g.opened.value("code_challenge"));
}

TEST_CASE("a key holds what the person granted, and no more") {
    with_browser f;
    f.server.replies["POST /oauth/token"] = {
        200, R"({"access_token":"ita_abc","token_type":"bearer","scope":"keys:manage account:read"})"};
    CHECK(status_of(f.run(run_login, web)) == 0);
    CHECK(f.server.requests.at(3).body.find(R"("permissions":["account:read","keys:manage"])") != std::string::npos);
    // Without a refresh token the other one is ended.
    CHECK(f.server.requests.at(4).body.starts_with("token=ita_abc&"));
}

TEST_CASE("saying no in the browser stores nothing and is exit code 3") {
    with_browser f;
    f.result = form().add("error", "access_denied");
    CHECK(status_of(f.run(run_login, web)) == 3);
    CHECK(f.err.text().ends_with("Error: You said no in the browser. Start again when ready: instatunnel login\n"));
    CHECK(f.page_text().find("<h1>You said no</h1>") != std::string::npos);
    CHECK(f.server.requests.size() == 1);
    CHECK_FALSE(f.store().load("default").value().has_value());
}

TEST_CASE("a code that the server refuses is told on both sides") {
    with_browser f;
    f.server.replies["POST /oauth/token"] = {400, R"({"error":"invalid_grant"})"};
    CHECK(status_of(f.run(run_login, web)) == 3);
    CHECK(f.page_text().find("<h1>Signing in failed</h1>") != std::string::npos);
    CHECK(f.server.requests.size() == 2);
}

TEST_CASE("tokens that make no key are ended all the same") {
    with_browser f;
    f.server.replies["POST /v1/auth/keys"] = {
        403, R"({"error":"forbidden","message":"x","required_scope":"keys:manage","code":4003})"};
    CHECK(status_of(f.run(run_login, web)) == 4);
    CHECK(f.asked().back() == "POST /oauth/revoke");
    CHECK_FALSE(f.store().load("default").value().has_value());
}

TEST_CASE("tokens that cannot be ended do not fail the sign-in") {
    with_browser f;
    f.server.replies["POST /oauth/revoke"] = {503, "{}"};
    CHECK(status_of(f.run(run_login, web)) == 0);
}

TEST_CASE("a key of the browser that cannot be stored is given back to the server") {
    with_browser f;
    f.server.replies["POST /v1/auth/logout"] = {204, ""};
    std::filesystem::create_directories(f.env.home / "config.json.lock");
    CHECK(status_of(f.run(run_login, web)) == 1);
    CHECK(f.asked().back() == "POST /v1/auth/logout");
    CHECK(f.server.requests.back().authorization == "Bearer it_1234567890abcdef");
}

TEST_CASE("a server without a browser sign-in says what to use") {
    with_browser f;
    f.server.replies["GET /.well-known/oauth-authorization-server"] = {404, "{}"};
    CHECK(status_of(f.run(run_login, web)) == 6);
    CHECK(f.err.text() ==
          "Error: https://api.instatunnel.my has no sign-in with a browser or a device code. Sign in with a password: "
          "instatunnel login -e EMAIL\n");
}

TEST_CASE("login --web --json says where to go, then what was stored, and nothing else") {
    with_browser f;
    f.globals.json = true;
    CHECK(status_of(f.run(run_login, web)) == 0);
    CHECK(
        f.out.text() ==
        R"({"event":"login.browser","url":")" + f.address +
            R"("})"
            "\n"
            R"({"event":"login","email":"user@example.com","server":"https://api.instatunnel.my","profile":"default","api_key":"it_1234567890abcdef","created":false})"
            "\n");
    CHECK(f.err.text().empty());
}

TEST_CASE("without a graphical session, or with a flag that says how, login asks on the terminal") {
    with_browser f;
    f.person_at_terminal();
    f.env.graphical = false;
    f.prompter.answers.emplace_back("📧 Email: ", failure(errc::cancelled));
    CHECK(f.run(run_login).error().code == errc::cancelled);
    f.env.graphical = true;
    f.prompter.answers.emplace_back("🔒 Password: ", failure(errc::cancelled));
    CHECK(f.run(run_login, {"user@example.com"}).error().code == errc::cancelled);
    f.prompter.answers.emplace_back("📧 Email: ", failure(errc::cancelled));
    CHECK(f.run(run_login, {.email = {}, .create = true}).error().code == errc::cancelled);
    CHECK(f.server.requests.empty());
    CHECK(f.out.text().empty());
}

TEST_CASE("without a terminal login never waits for a browser that nobody asked for") {
    with_browser f;
    CHECK(status_of(f.run(run_login)) == 2);
    CHECK(f.err.text().starts_with("Error: An email is needed, and there is no terminal to ask on."));
    CHECK(f.server.requests.empty());
}

TEST_CASE("flags that contradict each other are wrong usage") {
    with_browser f;
    const login_options contradictions[] = {
        {.email = {}, .web = true, .device = true},
        {.email = "a@b.c", .web = true},
        {.email = {}, .password_stdin = true, .device = true},
        {.email = {}, .create = true, .web = true},
        {.email = {}, .invitation = "inv_1", .web = true},
        {.email = {}, .otp = "123456", .device = true},
    };
    for (const auto& options : contradictions)
        CHECK(status_of(f.run(run_login, options)) == 2);
    CHECK(f.server.requests.empty());
}

TEST_CASE("a key is named after the machine, as far as a name may be one") {
    CHECK(cli_key_name("laptop") == "CLI - laptop");
    CHECK(cli_key_name("") == "CLI");
    CHECK(cli_key_name("a\nb") == "CLI");
    CHECK(cli_key_name(std::string(200, 'x')) == "CLI");
}
