#include "oidc/key_set.hpp"

#include "signer.hpp"

using namespace instatunnel;
using namespace instatunnel::oidc;
using namespace instatunnel::oidc::testing;

namespace {

json with(json jwk, const char* name, const json& value) {
    jwk[name] = value;
    return jwk;
}

std::size_t kept(const json& jwk) {
    const auto set = read_key_set(jwk_set({jwk}));
    REQUIRE(set);
    return set->keys.size();
}

}  // namespace

TEST_CASE("keys that can verify signatures are taken", "[oidc]") {
    for (const auto& jwk : {rsa_signer().public_jwk(), ec_signer().public_jwk()}) {
        CHECK(kept(jwk) == 1);
        CHECK(kept(with(jwk, "use", "sig")) == 1);
        CHECK(kept(with(jwk, "key_ops", json{"verify"})) == 1);
        CHECK(kept(with(jwk, "x5c", json{"junk"})) == 1);
    }
}

TEST_CASE("keys for something else, of unsafe sizes and without their numbers are left out", "[oidc]") {
    const auto rsa = rsa_signer().public_jwk(), ec = ec_signer().public_jwk();
    const json left_out[] = {with(rsa, "use", "enc"),
                             with(rsa, "use", 7),
                             with(rsa, "key_ops", json{"encrypt"}),
                             with(rsa, "key_ops", json::array()),
                             with(rsa, "kty", "oct"),
                             with(rsa, "kty", "OKP"),
                             with(rsa, "kty", "EC"),
                             with(rsa, "n", ""),
                             with(rsa, "n", 7),
                             with(rsa, "n", "AQAB"),
                             with(rsa, "n", "!!!"),
                             with(rsa, "n", std::string(2049, 'A')),
                             with(rsa, "e", json()),
                             with(rsa, "kid", std::string(513, 'x')),
                             with(ec, "crv", "P-384"),
                             with(ec, "crv", "secp256k1"),
                             with(ec, "x", with(ec, "x", ec["y"])["x"]),
                             with(ec, "x", ""),
                             with(ec, "y", "AQAB"),
                             signer(signer::kind::short_rsa, "short").public_jwk(),
                             signer(signer::kind::other_curve, "p384").public_jwk(),
                             json{{"kty", "oct"}, {"k", "c2VjcmV0"}, {"kid", "rsa-1"}},
                             json(7),
                             json("x"),
                             json()};
    for (const auto& jwk : left_out) {
        INFO(jwk.dump());
        CHECK(kept(jwk) == 0);
    }
}

TEST_CASE("what is no set of keys is refused", "[oidc]") {
    std::string many = R"({"keys":[1)";
    for (int i = 0; i < 64; ++i)
        many += ",1";
    for (const auto& text : {std::string(), std::string("[]"), std::string("{}"), std::string(R"({"keys":{}})"),
                             std::string(R"({"keys":[})"), many + "]}"}) {
        const auto set = read_key_set(text);
        REQUIRE_FALSE(set);
        CHECK(set.error().code == errc::unexpected_reply);
    }
}

TEST_CASE("a key is found by its name, its type and the algorithm that it is for", "[oidc]") {
    const auto set = read_key_set(jwk_set({with(rsa_signer().public_jwk(), "alg", "RS256"), ec_signer().public_jwk()}));
    REQUIRE(set);
    CHECK(set->find("rsa-1", "RS256").size() == 1);
    CHECK(set->find("rsa-1", "PS256").empty());
    CHECK(set->find("rsa-1", "ES256").empty());
    CHECK(set->find("ec-1", "ES256").size() == 1);
    CHECK(set->find("", "ES256").size() == 1);
    CHECK(set->find("", "RS256").size() == 1);
    CHECK(set->find("other", "RS256").empty());
}
