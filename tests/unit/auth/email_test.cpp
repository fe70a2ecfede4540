#include "instatunnel/auth/email.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::auth;

TEST_CASE("addresses are compared in one form") {
    CHECK(normalise_email("ann@example.com") == "ann@example.com");
    CHECK(normalise_email("  Ann.B+x@Example.COM\n") == "ann.b+x@example.com");
    CHECK(normalise_email("dev@localhost") == "dev@localhost");
    CHECK(normalise_email("a@xn--bcher-kva.example") == "a@xn--bcher-kva.example");
    CHECK(normalise_email(std::string(64, 'a') + "@b.c").has_value());
}

TEST_CASE("what is not an address is refused") {
    for (const char* text : {"",
                             "@",
                             "ann",
                             "@example.com",
                             "ann@",
                             "a@b@c",
                             "a b@c.d",
                             "a\tb@c.d",
                             "ann@example..com",
                             "ann@.com",
                             "ann@example.com.",
                             "ann@-x.com",
                             "ann@x-.com",
                             "ann@ex_ample.com",
                             ".ann@b.c",
                             "ann.@b.c",
                             "a..b@c.d",
                             "\"a b\"@c.d",
                             "a,b@c.d",
                             "<a@b.c>",
                             "ann@[127.0.0.1]",
                             "ann@b.c\r\nBcc: x@y.z",
                             "d\xc3\xa9@b.c"})
        CHECK_FALSE(normalise_email(text));
    CHECK_FALSE(normalise_email(std::string(65, 'a') + "@b.c"));
    CHECK_FALSE(normalise_email("a@" + std::string(64, 'b') + ".c"));
    std::string host = "b";
    while (host.size() < 252)
        host += ".b";
    CHECK_FALSE(normalise_email("aa@" + host));
    CHECK_FALSE(normalise_email(std::string(1, '\0') + "a@b.c"));
}

TEST_CASE("display names are short UTF-8 without controls") {
    for (const std::string text : {"x", "CI/CD Key", "J\xc3\xb6rg \xe2\x98\x83 \xf0\x9f\x98\x80"})
        CHECK(is_display_name(text));
    CHECK(is_display_name(std::string(120, 'x')));
    CHECK_FALSE(is_display_name(std::string(121, 'x')));
    for (const std::string text : {"", "a\nb", "\x1b[2J", "\x7f", "\xff", "\xc3", "\xc0\x80", "\xe0\x80\x80",
                                   "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc2\x9b", "\xe2\x98", "a\x80"})
        CHECK_FALSE(is_display_name(text));
    for (const std::string text : {"a\xe2\x80\xaeg", "\xe2\x81\xa6", "\xe2\x80\x8b", "\xe2\x80\xa8", "\xef\xbb\xbf"})
        CHECK_FALSE(is_display_name(text));  // direction, isolates, zero width, line separator, byte order mark
    CHECK_FALSE(is_display_name("my key it_0123456789abcdef"));
    CHECK(is_display_name("it_0123456789abcde"));
    CHECK(is_display_name("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"));  // emoji that are joined
    CHECK_FALSE(is_display_name(std::string(1, '\0')));
}
