#include "instatunnel/auth/password_rules.hpp"

#include <catch2/catch.hpp>

#include "instatunnel/base/random.hpp"

using namespace instatunnel;

namespace {

std::string verdict(const std::string& password, const std::vector<std::string>& context = {}) {
    return auth::why_not_usable(secret(password), context).value_or("fine");
}

bool is_listed(const std::string& password) {
    return verdict(password).find("it is on the lists that attackers try first") != std::string::npos;
}

}  // namespace

TEST_CASE("passwords have 8 characters to 1,024 bytes") {
    CHECK(verdict("kx7q2mz") == "The password must have at least 8 characters");
    CHECK(verdict("kx7q2mzp") == "fine");
    CHECK(verdict("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f") == "The password must have at least 8 characters");
    CHECK(verdict("k\xc3\xa4x\xc3\xb6q\xc3\xbcm\xc3\x9f") == "fine");
    const auto longest = random_base62(1024);
    CHECK(verdict(longest) == "fine");
    CHECK(verdict(longest + "x") == "The password must have at most 1024 bytes");
}

TEST_CASE("passwords need no mixture of kinds of characters") {
    for (const char* good : {"correct horse", "correct horse battery staple", "blue kettle garden", "gravity falls",
                             "  seven  green  ", "r8voRX95WBtWAUrfrlOW", "пароль не простой"})
        CHECK(verdict(good) == "fine");
}

TEST_CASE("what attackers try first is refused, also with letters swapped or digits behind it") {
    for (const char* bad :
         {"password",     "12345678",  "iloveyou1", "qwertyuiop",  "letmein123", "Passw0rd!",    "P@ssw0rd123",
          "trustno1",     "dragon123", "1q2w3e4r",  "zaq12wsx",    "qazwsxedc",  "sunshine2024", "michelle",
          "aaaaaaaaaaaa", "abcdefgh",  "11111111",  "Summer2024!", "changeme1",  "football12"}) {
        INFO(bad);
        CHECK(is_listed(bad));
    }
    CHECK(is_listed(std::string(1000, 'a')));
}

TEST_CASE("a password is not made of the account's email or the service's name") {
    const auto context = auth::password_context("ann.winterbottom@example.com", "t.example.com");
    for (const char* bad : {"winterbottom", "winterbottom1", "W1nterbottom", "annwinterbottom", "instatunnel1",
                            "ann.winterbottom@example.com", "t.example.com"}) {
        INFO(bad);
        CHECK(verdict(bad, context).find("your email address or the name of this service") != std::string::npos);
    }
    CHECK(verdict("winterbottom sells green kettles", context) == "fine");
}

TEST_CASE("any bytes may be in a password, and a zero byte hides nothing") {
    CHECK(verdict(std::string("kx7q2mzp\0w9", 11)) == "fine");
    CHECK(verdict(std::string("\0kx7q2mzpw9", 11)) == "fine");
    CHECK(verdict("\xff\xfe\xfd kx7q2mzp") == "fine");
    for (int i = 0; i < 500; ++i) {
        std::string bytes(1 + random_below(200), '\0');
        fill_random({reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
        (void)auth::why_not_usable(secret(bytes), auth::password_context("a@b.c", ""));
    }
}
