#include <catch2/catch.hpp>

#include <string>

#include "instatunnel/base/names.hpp"

using namespace instatunnel;

TEST_CASE("a DNS label is 1 to 63 letters, digits and hyphens (RFC 1123 §2.1)") {
    for (const auto& label : {std::string("a"), std::string("0"), std::string("my-app-2"), std::string(63, 'a'),
                              std::string("a--b"), std::string("a-b--c")}) {
        INFO(label);
        CHECK(is_dns_label(label));
    }
    for (const auto& label :
         {std::string(), std::string("-a"), std::string("a-"), std::string("A"), std::string("a.b"), std::string("a_b"),
          std::string("xn--mnchen-3ya"), std::string("ab--c"), std::string(64, 'a'), std::string("\xc3\xa9"),
          std::string("a b"), std::string("a\0b", 3)}) {
        INFO(label);
        CHECK_FALSE(is_dns_label(label));
    }
}

TEST_CASE("case is folded for ASCII only") {
    CHECK(to_lower("AbZ-[\xc3\x89") == "abz-[\xc3\x89");
    CHECK(iequals("Content-Length", "cONTENT-lENGTH"));
    CHECK_FALSE(iequals("a", "ab"));
    CHECK_FALSE(iequals("[", "{"));
    CHECK_FALSE(iequals("@", "`"));
}

TEST_CASE("blanks are trimmed on both sides") {
    CHECK(trim(" \t a b\r\n") == "a b");
    CHECK(trim(" \n") == "");
    CHECK(trim("") == "");
}

TEST_CASE("a key is it_ and 16 to 128 letters or digits") {
    CHECK(is_api_key("it_1234567890abcdef"));
    CHECK(is_api_key("it_" + std::string(128, 'Z')));
    for (const auto& text :
         {std::string(), std::string("it_"), std::string("it_1234567890abcde"), std::string("IT_1234567890abcdef"),
          std::string("xx_1234567890abcdef"), std::string("it_1234567890abcde-"), std::string("it_1234567890abcdef "),
          "it_" + std::string(129, 'a')}) {
        INFO(text);
        CHECK_FALSE(is_api_key(text));
    }
}
