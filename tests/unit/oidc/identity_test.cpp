#include "instatunnel/oidc/identity.hpp"

#include <catch2/catch.hpp>
#include <vector>

using namespace instatunnel::oidc;

namespace {

identity person(const std::string& email, bool verified) {
    identity who;
    who.email = email;
    who.email_verified = verified;
    return who;
}

}  // namespace

TEST_CASE("only a verified address stands for an account", "[oidc]") {
    CHECK(may_link_by_email(person("ann@example.com", true)));
    CHECK_FALSE(may_link_by_email(person("ann@example.com", false)));
    CHECK_FALSE(may_link_by_email(person("", true)));
}

TEST_CASE("who belongs to a domain has a verified address with exactly that host", "[oidc]") {
    const std::vector<std::string> domains{"example.com", "example.org"};
    CHECK(is_welcome(person("ann@example.com", true), domains));
    CHECK(is_welcome(person("ann@example.org", true), domains));
    CHECK_FALSE(is_welcome(person("ann@example.com", false), domains));
    for (const auto* email : {"", "example.com", "ann@sub.example.com", "ann@evilexample.com", "ann@example.com.evil",
                              "ann@example.net", "ann@example.com@evil.net", "ann@"}) {
        INFO(email);
        CHECK_FALSE(is_welcome(person(email, true), domains));
    }
}

TEST_CASE("without domains everybody is welcome", "[oidc]") {
    CHECK(is_welcome(person("", false), {}));
}
