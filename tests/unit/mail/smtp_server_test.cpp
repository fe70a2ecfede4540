#include "instatunnel/mail/smtp_server.hpp"

#include "catch_outcome.hpp"

using namespace instatunnel;
using namespace instatunnel::mail;

TEST_CASE("a mail server is named by scheme, user, host and port") {
    const auto plain = parse_smtp_url("smtp://Mail.Example.com");
    REQUIRE(plain);
    CHECK(plain->host == "mail.example.com");
    CHECK(plain->port == 587);
    CHECK_FALSE(plain->implicit_tls);
    CHECK(plain->user.empty());

    const auto full = parse_smtp_url("smtps://ann%40example.com:p%3Aw%40rd@mail.example.com:4650/");
    REQUIRE(full);
    CHECK(full->implicit_tls);
    CHECK(full->port == 4650);
    CHECK(full->user == "ann@example.com");
    CHECK(full->password.reveal() == "p:w@rd");
    CHECK(parse_smtp_url("smtps://mail.example.com")->port == 465);
    CHECK(parse_smtp_url("smtp://ann@mail.example.com")->user == "ann");
    CHECK(parse_smtp_url("smtp://[::1]:2525")->host == "[::1]");
}

TEST_CASE("only a mail server on this machine may do without TLS") {
    for (const char* local : {"smtp://localhost", "smtp://127.0.0.1:25", "smtp://127.9.9.9", "smtp://[::1]"})
        CHECK(parse_smtp_url(local)->is_local());
    for (const char* remote : {"smtp://localhost.example.com", "smtp://192.0.2.1", "smtp://[2001:db8::1]"})
        CHECK_FALSE(parse_smtp_url(remote)->is_local());
}

TEST_CASE("an address of a mail server that cannot be used is refused without repeating it") {
    for (const char* bad : {"", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://:25", "smtp://a b",
                            "smtp://host:0", "smtp://host:65536", "smtp://host:x", "smtp://host:", "smtp://@host",
                            "smtp://u:se%cret@host", "smtp://u%0d%0aQUIT:secret@host", "smtp://u:sec\nret@host",
                            "smtp://host/path?secret", "smtp://[host", "smtp://u:secret@ho\"st"}) {
        INFO(bad);
        const auto parsed = parse_smtp_url(bad);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().code == errc::usage);
        CHECK(std::string(parsed.error().what()).find("secret") == std::string::npos);
    }
}
