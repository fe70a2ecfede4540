#include "instatunnel/auth/one_time_token.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>

using namespace instatunnel;

TEST_CASE("one-time tokens have 43 letters and digits and never repeat") {
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) {
        const auto token = auth::make_one_time_token();
        CHECK(auth::is_one_time_token(token.reveal()));
        seen.emplace(token.reveal());
    }
    CHECK(seen.size() == 1000);
}

TEST_CASE("what has not the form of a one-time token is told apart") {
    const std::string good(43, 'a');
    CHECK(auth::is_one_time_token(good));
    CHECK_FALSE(auth::is_one_time_token(""));
    CHECK_FALSE(auth::is_one_time_token(good + "a"));
    CHECK_FALSE(auth::is_one_time_token(good.substr(1)));
    CHECK_FALSE(auth::is_one_time_token(good.substr(1) + "-"));
    CHECK_FALSE(auth::is_one_time_token(good.substr(1) + "\n"));
}

TEST_CASE("an invitation code can be typed") {
    const auto code = auth::make_invitation_code();
    CHECK(code.reveal().starts_with("inv_"));
    CHECK(code.reveal().size() == 20);
    CHECK(auth::one_time_digest(code.reveal()).size() == 32);
    CHECK(auth::one_time_digest(code.reveal()) != auth::one_time_digest(auth::make_invitation_code().reveal()));
}
