#include "cli/visitor_access.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;

namespace {

struct choosing : cli_fixture {
    outcome<visitor_access> chosen(const char* password = "", const char* auth = "") {
        terminal term(in.fd(), out.fd(), err.fd(), traits);
        const auto profiles = store();
        auto c = context_for(term, profiles);
        open_options o;
        o.password = secret(password);
        o.auth = secret(auth);
        return choose_access(o, c);
    }
};

}  // namespace

TEST_CASE("without flag and variable visitors need nothing") {
    choosing f;
    const auto access = f.chosen();
    CHECK((access->password.empty() && access->basic.empty()));
    CHECK(f.err.text().empty());
}

TEST_CASE("a tunnel's password comes from the environment silently, from a flag with a notice") {
    choosing f;
    f.env.tunnel_password = secret("from-environment");
    CHECK(f.chosen()->password.reveal() == "from-environment");
    CHECK(f.err.text().empty());
    CHECK(f.chosen("from-flag")->password.reveal() == "from-flag");
    CHECK(f.err.text().find("INSTATUNNEL_TUNNEL_PASSWORD") != std::string::npos);
    CHECK(f.err.text().find("from-flag") == std::string::npos);
}

TEST_CASE("a flag wins over both variables") {
    choosing f;
    f.env.tunnel_password = secret("from-environment");
    const auto access = f.chosen("", "ann:pw");
    CHECK(access->password.empty());
    CHECK(access->basic.reveal() == "ann:pw");
    f.env.tunnel_auth = secret("bob:pw");
    CHECK(f.chosen().error().code == errc::usage);
    CHECK(f.chosen("flag").has_value());
}

TEST_CASE("credentials that no visitor could send are refused and not repeated") {
    choosing f;
    CHECK(f.chosen("secret-one", "ann:secret-two").has_error());
    for (const auto* auth :
         {"no-colon-in-it", ":secret-two", "ann-secret:", "ann:secret\r\nX: y", "a\x01:secret-two"}) {
        const auto refused = f.chosen("", auth);
        REQUIRE(refused.has_error());
        CHECK(exit_code_for(refused.error().code) == exit_code::usage);
        CHECK(std::string(refused.error().what()).find("secret") == std::string::npos);
    }
    CHECK(f.chosen(std::string(257, 'x').c_str()).has_error());
    CHECK(f.chosen(std::string(256, 'x').c_str()).has_value());
    CHECK(f.chosen("gr\xc3\xbc\xc3\x9f dich").has_value());
    CHECK(f.chosen("", "ann:with:colons").has_value());
}
