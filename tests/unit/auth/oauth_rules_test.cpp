#include <catch2/catch.hpp>

#include "catch_outcome.hpp"
#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/auth/redirect_uri.hpp"
#include "instatunnel/auth/user_code.hpp"

using namespace instatunnel;
using namespace instatunnel::auth;

TEST_CASE("a code challenge is the one of RFC 7636, appendix B") {
    CHECK(code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
          "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST_CASE("verifiers and challenges of another form are refused") {
    CHECK(is_code_verifier(std::string(43, 'a')));
    CHECK(is_code_verifier(std::string(128, '~')));
    CHECK_FALSE(is_code_verifier(std::string(42, 'a')));
    CHECK_FALSE(is_code_verifier(std::string(129, 'a')));
    CHECK_FALSE(is_code_verifier(std::string(42, 'a') + "+"));
    CHECK(is_code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
    CHECK_FALSE(is_code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c"));
    CHECK_FALSE(is_code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM="));
    CHECK_FALSE(is_code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"));
    CHECK_FALSE(is_code_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN"));
    const auto made = make_code_verifier();
    CHECK(is_code_verifier(made.reveal()));
    CHECK(made.reveal() != make_code_verifier().reveal());
}

TEST_CASE("redirect addresses that a client may register") {
    for (const char* uri : {"https://app.example.com/callback", "https://app.example.com:8443/cb?x=1",
                            "http://127.0.0.1/cb", "http://127.0.0.1:7777/cb", "http://[::1]/cb",
                            "http://localhost:3000/cb", "com.example.app:/oauth", "https://app.example.com"}) {
        CAPTURE(uri);
        CHECK(check_redirect_uri(uri));
    }
}

TEST_CASE("redirect addresses that nobody may register") {
    for (const char* uri : {"",
                            "http://app.example.com/cb",
                            "https://app.example.com/#x",
                            "https://user@app.example.com/cb",
                            "https://user:pw@app.example.com/cb",
                            "https://*.example.com/cb",
                            "javascript:alert(1)",
                            "data:text/html,x",
                            "//app.example.com/cb",
                            "/cb",
                            "https:///cb",
                            "https://",
                            "https://a b.example.com/",
                            "https://a\nb/",
                            "myapp://cb",
                            "http://127.0.0.1.example.com/cb",
                            "http://localhost.example.com/cb",
                            "https://a\\b/",
                            "https://app.example.com:99999/cb",
                            "https://app.example.com:/cb",
                            "https://[::1/cb",
                            "http:x.y/cb"}) {
        CAPTURE(uri);
        CHECK_FALSE(check_redirect_uri(uri));
    }
    CHECK_FALSE(check_redirect_uri("https://app.example.com/" + std::string(2048, 'a')));
    CHECK_FALSE(check_redirect_uri("https://app.example.com/\xc3\xa9"));
}

TEST_CASE("a redirect address is compared byte by byte, but a loopback one may have any port") {
    CHECK(is_same_redirect("https://app.example.com/cb", "https://app.example.com/cb"));
    CHECK_FALSE(is_same_redirect("https://app.example.com/cb", "https://app.example.com/cb/"));
    CHECK_FALSE(is_same_redirect("https://app.example.com/cb", "https://app.example.com/cb?x=1"));
    CHECK_FALSE(is_same_redirect("https://app.example.com/cb", "https://app.example.com:444/cb"));
    CHECK_FALSE(is_same_redirect("https://app.example.com/cb", "https://APP.example.com/cb"));
    CHECK_FALSE(is_same_redirect("https://app.example.com/cb", "https://app.example.com.evil.example/cb"));
    CHECK(is_same_redirect("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb"));
    CHECK(is_same_redirect("http://[::1]/cb", "http://[::1]:51004/cb"));
    CHECK(is_same_redirect("http://127.0.0.1:1/cb", "http://127.0.0.1:2/cb"));
    CHECK_FALSE(is_same_redirect("http://127.0.0.1/cb", "http://127.0.0.1:51004/other"));
    CHECK_FALSE(is_same_redirect("http://127.0.0.1/cb", "https://127.0.0.1:51004/cb"));
    CHECK_FALSE(is_same_redirect("http://127.0.0.1/cb", "http://[::1]:51004/cb"));
    CHECK_FALSE(is_same_redirect("http://127.0.0.1/cb", "http://127.0.0.1:51004@evil.example/cb"));
    // localhost may be somebody else's resolver's idea: exact only.
    CHECK_FALSE(is_same_redirect("http://localhost/cb", "http://localhost:51004/cb"));
}

TEST_CASE("a user code survives being typed") {
    const auto code = make_user_code();
    REQUIRE(code.size() == 9);
    CHECK(normalise_user_code(code) == code);
    CHECK(normalise_user_code("wdjb mjht") == "WDJB-MJHT");
    CHECK(normalise_user_code(" WDJBMJHT ") == "WDJB-MJHT");
    CHECK_FALSE(normalise_user_code("WDJB-MJH"));
    CHECK_FALSE(normalise_user_code("WDJB-MJHTT"));
    CHECK_FALSE(normalise_user_code("WDJB-MJHA"));
    CHECK_FALSE(normalise_user_code(""));
    CHECK_FALSE(normalise_user_code(std::string(1000, '-')));
}
