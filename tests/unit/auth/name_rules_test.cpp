#include "instatunnel/auth/name_rules.hpp"

#include <set>

#include "catch_outcome.hpp"
#include "instatunnel/base/names.hpp"

using namespace instatunnel;
using namespace instatunnel::auth;

TEST_CASE("names of the service's own functions are reserved") {
    for (const char* name : {"api", "www", "admin", "connect", "auth", "login", "dashboard", "status", "mail", "docs",
                             "help", "support", "static", "assets", "cdn", "localhost", "wpad", "mta-sts"}) {
        CHECK(is_reserved_name(name));
        const auto refused = check_name(name);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::name_reserved);
        CHECK(std::string(refused.error().what()).find(name) != std::string::npos);
    }
    for (const char* name : {"demo", "api2", "my-api", "docs-demo", "ww", "zzz", "a"})
        CHECK(check_name(name));
}

TEST_CASE("names that are not DNS labels are malformed") {
    for (const std::string name : {"", "-a", "a-", "a_b", "a.b", "A", "xn--a", "\xc3\xa9"})
        CHECK(check_name(name).error().code == errc::malformed_name);
    CHECK(check_name(std::string(63, 'a')));
    CHECK(check_name(std::string(64, 'a')).error().code == errc::malformed_name);
}

TEST_CASE("random names are usable, pronounceable and do not repeat") {
    std::set<std::string> names;
    for (int i = 0; i < 5000; ++i) {
        const auto name = make_random_name();
        CHECK(check_name(name));
        CHECK(name.size() >= 14);
        CHECK(name.size() <= 17);
        int in_a_row = 0;
        for (const char c : name) {
            const bool vowel = std::string_view("aeiou").find(c) != std::string_view::npos;
            in_a_row = vowel || c == '-' ? 0 : in_a_row + 1;
            CHECK(in_a_row <= 1);
        }
        names.insert(name);
    }
    // 46 bits: a repetition among 5,000 has a chance of one in ten million.
    CHECK(names.size() == 5000);
}

TEST_CASE("patterns of names match as a person reads them") {
    struct row {
        const char* pattern;
        const char* label;
        bool matches;
    };
    for (const auto& [pattern, label, matches] : std::initializer_list<row>{{"bank", "bank", true},
                                                                            {"bank", "banks", false},
                                                                            {"bank", "ban", false},
                                                                            {"bank*", "bank", true},
                                                                            {"bank*", "bank-of-x", true},
                                                                            {"bank*", "my-bank", false},
                                                                            {"*bank", "my-bank", true},
                                                                            {"*bank", "bank", true},
                                                                            {"*bank", "bankbank", true},
                                                                            {"*bank*", "my-bank-2", true},
                                                                            {"*bank*", "ban-k", false},
                                                                            {"a*b*c", "aXbYbZc", true},
                                                                            {"a*b*c", "abcabc", true},
                                                                            {"a*b*c", "abcab", false},
                                                                            {"a**c", "abc", true}}) {
        CAPTURE(pattern, label);
        CHECK(matches_name_pattern(pattern, label) == matches);
    }
    CHECK_FALSE(matches_name_pattern("*a*a*a*a*a*a*a*b", std::string(63, 'a')));
}

TEST_CASE("a pattern is bounded and names something") {
    for (const char* pattern : {"bank", "bank*", "*bank*", "a", "x-*-1"})
        CHECK(check_name_pattern(pattern));
    for (const std::string pattern : {"", "*", "**", "-", "*-*", "Bank", "b?nk", "a b", "a.b", "\xc3\xa9"})
        CHECK(check_name_pattern(pattern).error().code == errc::malformed_name);
    CHECK(check_name_pattern(std::string(64, 'a')).error().code == errc::malformed_name);
}
