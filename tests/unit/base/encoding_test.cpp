#include <catch2/catch.hpp>

#include <string>
#include <string_view>

#include "instatunnel/base/encoding.hpp"

using namespace instatunnel;
using namespace std::string_view_literals;

TEST_CASE("bytes are written as lower-case hex") {
    CHECK(to_hex("") == "");
    CHECK(to_hex("\x00\x7f\xff"sv) == "007fff");
}

TEST_CASE("SHA-256 gives the digests of FIPS 180-4") {
    CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("HMAC-SHA-256 gives the digests of RFC 4231") {
    CHECK(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(to_hex(hmac_sha256(std::string(20, '\x0b'), "Hi There")) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST_CASE("HTML cannot be broken out of, in text or in an attribute") {
    CHECK(escape_html("<a href=\"x\" title='y'>&amp;") == "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;");
    CHECK(escape_html("plain \xc3\xa9") == "plain \xc3\xa9");
}

TEST_CASE("base64 is written with padding") {
    CHECK(to_base64("") == "");
    CHECK(to_base64("f") == "Zg==");
    CHECK(to_base64("fo") == "Zm8=");
    CHECK(to_base64("foo") == "Zm9v");
    CHECK(to_base64(std::string("\0\xff", 2)) == "AP8=");
}

TEST_CASE("a WebSocket key is answered as RFC 6455 has it in its example") {
    CHECK(instatunnel::websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("base64url and base32 are those of RFC 4648") {
    using namespace instatunnel;
    CHECK(to_base64url("").empty());
    CHECK(to_base64url("f") == "Zg");
    CHECK(to_base64url("foobar") == "Zm9vYmFy");
    CHECK(to_base64url("\xfb\xff") == "-_8");
    CHECK(from_base64url("Zm9vYmE") == "fooba");
    CHECK(from_base64url("-_8") == "\xfb\xff");
    CHECK_FALSE(from_base64url("Zh"));
    CHECK_FALSE(from_base64url("Zg=="));
    CHECK_FALSE(from_base64url("Z"));
    CHECK_FALSE(from_base64url("+/8"));
    CHECK(to_base32("f") == "MY");
    CHECK(to_base32("foobar") == "MZXW6YTBOI");
}
