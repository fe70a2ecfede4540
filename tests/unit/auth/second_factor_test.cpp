#include <catch2/catch.hpp>

#include "instatunnel/auth/sealed_box.hpp"
#include "instatunnel/auth/totp.hpp"

using namespace instatunnel;
using namespace instatunnel::auth;

namespace {

wall_time at(std::int64_t second) {
    return wall_time(std::chrono::seconds(second));
}

const secret& rfc_key() {
    static const secret key("12345678901234567890");
    return key;
}

}  // namespace

TEST_CASE("codes are those of RFC 6238, appendix B") {
    const std::pair<std::int64_t, const char*> rows[] = {
        {59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
        {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"},
    };
    for (const auto& [second, code] : rows) {
        CAPTURE(second);
        CHECK(totp_code(rfc_key(), totp_step(at(second))) == code);
    }
}

TEST_CASE("a code is right for its own step and one beside it") {
    const auto step = totp_step(at(1111111109));
    const auto code = totp_code(rfc_key(), step);
    CHECK(match_totp(rfc_key(), code, at(1111111109)) == step);
    CHECK(match_totp(rfc_key(), code, at(1111111109 + 30)) == step);
    CHECK(match_totp(rfc_key(), code, at(1111111109 - 30)) == step);
    CHECK_FALSE(match_totp(rfc_key(), code, at(1111111109 + 90)));
    CHECK_FALSE(match_totp(rfc_key(), "", at(1111111109)));
    CHECK_FALSE(match_totp(rfc_key(), code + "0", at(1111111109)));
}

TEST_CASE("an authenticator app gets what it needs and nothing that breaks the address") {
    const auto uri = totp_uri(rfc_key(), "t.example.com", "ann+x@example.com");
    CHECK(uri.reveal() ==
          "otpauth://totp/t.example.com:ann%2Bx%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer="
          "t.example.com");
    CHECK(make_totp_secret().reveal().size() == 20);
}

TEST_CASE("what is sealed opens with the same pepper at the same place only") {
    const secret pepper("pepper"), other("other");
    const auto sealed = seal(pepper, "totp of user_1", secret("the secret"));
    CHECK(sealed.find("the secret") == std::string::npos);
    CHECK(sealed != seal(pepper, "totp of user_1", secret("the secret")));
    const auto opened = unseal(pepper, "totp of user_1", sealed);
    REQUIRE(opened);
    CHECK(opened->reveal() == "the secret");
    CHECK_FALSE(unseal(other, "totp of user_1", sealed));
    CHECK_FALSE(unseal(pepper, "totp of user_2", sealed));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto changed = sealed;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        CHECK_FALSE(unseal(pepper, "totp of user_1", changed));
    }
    CHECK_FALSE(unseal(pepper, "totp of user_1", sealed.substr(0, 20)));
    const auto empty = unseal(pepper, "p", seal(pepper, "p", secret("")));
    REQUIRE(empty);
    CHECK(empty->empty());
}
