#include "cli/stored_key.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

namespace {

set_key_options with_key(const char* key) {
    set_key_options o;
    o.key = secret(key);
    return o;
}

std::string kept(const cli_fixture& f) {
    const auto p = f.store().load("default").value();
    return p ? std::string(p->key.reveal()) : "(none)";
}

}  // namespace

TEST_CASE("set-key takes a key from the command line and warns about it") {
    cli_fixture f;
    CHECK(status_of(f.run(run_set_key, with_key(" it_1234567890abcdef "))) == 0);
    CHECK(kept(f) == "it_1234567890abcdef");
    CHECK(f.out.text() == "✅ API key stored: it_***...def\n");
    CHECK(f.err.text().find("shell's history") != std::string::npos);
    CHECK(f.err.text().find("1234") == std::string::npos);
    CHECK(f.server.requests.empty());
}

TEST_CASE("set-key reads a pipe and trims it") {
    cli_fixture f;
    f.in.fill("\n  it_1234567890abcdef \r\n");
    CHECK(status_of(f.run(run_set_key)) == 0);
    CHECK(kept(f) == "it_1234567890abcdef");
    CHECK(f.err.text().find("history") == std::string::npos);
}

TEST_CASE("set-key asks a person, hidden") {
    cli_fixture f;
    f.person_at_terminal();
    f.prompter.answers.emplace_back("🔑 API Key: ", "it_1234567890abcdef");
    CHECK(status_of(f.run(run_set_key)) == 0);
    CHECK(kept(f) == "it_1234567890abcdef");
}

TEST_CASE("set-key with an empty input or without a way to ask fails at once") {
    cli_fixture f;
    CHECK(f.run(run_set_key).error().code == errc::not_a_terminal);
    cli_fixture g;
    g.traits.in_is_tty = true;
    CHECK(g.run(run_set_key).error().code == errc::not_a_terminal);
    CHECK(kept(g) == "(none)");
}

TEST_CASE("set-key refuses a malformed key without showing it") {
    cli_fixture f;
    f.in.fill("it_tooshort\n");
    CHECK(status_of(f.run(run_set_key)) == 2);
    CHECK(
        f.err.text() ==
        "Error: The API key from standard input is malformed: it has 8 characters behind it_, at least 16 are needed. "
        "Copy the key again without spaces, then: instatunnel auth set-key\n");
    CHECK(kept(f) == "(none)");
}

TEST_CASE("set-key stores server and CA file beside the key and forgets whose the old one was") {
    cli_fixture f;
    f.store_profile("default", "it_oldoldoldoldoldo", "https://api.old.example", "/old.pem", "key_1");
    f.env.server = "https://api.new.example";
    f.globals.cacert = "/new.pem";
    CHECK(status_of(f.run(run_set_key, with_key("it_1234567890abcdef"))) == 0);
    const auto p = f.store().load("default").value();
    REQUIRE(p.has_value());
    CHECK(p->server == "https://api.new.example");
    CHECK(p->cacert == "/new.pem");
    CHECK(p->key_id.empty());
    CHECK(p->email.empty());
}

TEST_CASE("set-key without a server keeps the one that is stored") {
    cli_fixture f;
    f.store_profile("default", "it_oldoldoldoldoldo", "https://api.old.example", "/old.pem");
    CHECK(status_of(f.run(run_set_key, with_key("it_1234567890abcdef"))) == 0);
    CHECK(f.store().load("default").value()->server == "https://api.old.example");
    CHECK(f.store().load("default").value()->cacert == "/old.pem");
}

TEST_CASE("show-key masks, reveals, and is exit code 3 without a stored key") {
    cli_fixture f;
    CHECK(status_of(f.run(run_show_key)) == 3);
    CHECK(f.out.text().empty());
    f.store_profile("default", "it_1234567890abcdef");
    CHECK(status_of(f.run(run_show_key)) == 0);
    CHECK(status_of(f.run(run_show_key, {true, false})) == 0);
    CHECK(f.out.text() == "it_***...def\nit_1234567890abcdef\n");
}

TEST_CASE("show-key looks at the store only: a key in the environment is not stored") {
    cli_fixture f;
    f.env.api_key = secret("it_envenvenvenvenve");
    CHECK(status_of(f.run(run_show_key)) == 3);
}
