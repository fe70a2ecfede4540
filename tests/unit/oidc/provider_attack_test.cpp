#include "fake_provider.hpp"

using namespace instatunnel;
using namespace instatunnel::oidc;
using namespace instatunnel::oidc::testing;

namespace {

const std::string token_url = "https://id.example.com/token";

using attack = std::function<void(sign_in_fixture&)>;

attack claim(const std::string& name, const json& value) {
    return [=](sign_in_fixture& f) { f.far.claims[name] = value; };
}
attack no_claim(const std::string& name) {
    return [=](sign_in_fixture& f) { f.far.claims.erase(name); };
}
attack signed_by(std::function<std::string(const std::string&)> sign) {
    return [=](sign_in_fixture& f) { f.far.sign = sign; };
}

std::string bad_token(const std::string& reason) {
    return "unexpected_reply: The provider's ID token is not valid: " + reason;
}

std::string with_last_changed(std::string token) {
    token.back() = token.back() == 'A' ? 'Q' : 'A';
    const auto middle = token.size() - 40;
    token[middle] = token[middle] == 'A' ? 'B' : 'A';
    return token;
}

// The two numbers of an ECDSA signature, each with a zero in front.
std::string longer_signature(const std::string& token) {
    const auto dot = token.rfind('.');
    const auto bytes = *from_base64url(token.substr(dot + 1));
    const std::string zero(1, '\0');
    return token.substr(0, dot + 1) + to_base64url(zero + bytes.substr(0, 32) + zero + bytes.substr(32));
}

std::string with_other_payload(const std::string& token, const std::string& payload) {
    const auto first = token.find('.'), second = token.find('.', first + 1);
    return token.substr(0, first + 1) + to_base64url(payload) + token.substr(second);
}

}  // namespace

TEST_CASE("an ID token that is not this provider's word to us about this sign-in is refused", "[oidc]") {
    const std::string algorithm = bad_token("its algorithm is not one of RS256, PS256 and ES256");
    const std::string signature = bad_token("its signature is wrong");
    const std::string no_token = bad_token("it is no signed token");
    const std::string unknown_key = "unexpected_reply: The provider's ID token is signed with an unknown key";
    const auto none_header = [](const char* header) {
        return signed_by([=](const std::string& payload) { return raw_token(header, payload); });
    };
    const auto [bend, reason] = GENERATE_COPY(table<attack, std::string>({
        {claim("nonce", "another"), bad_token("it was made for another sign-in")},
        {claim("nonce", json()), bad_token("it was made for another sign-in")},
        {claim("nonce", ""), bad_token("it was made for another sign-in")},
        {claim("iss", "https://id.example.com/"), bad_token("it is of another issuer")},
        {claim("iss", "https://id.example.com/realm/"), bad_token("it is of another issuer")},
        {claim("iss", json{"https://id.example.com/realm"}), bad_token("it is of another issuer")},
        {no_claim("iss"), bad_token("it is of another issuer")},
        {claim("aud", "client-2"), bad_token("it is for another client")},
        {claim("aud", "client-"), bad_token("it is for another client")},
        {claim("aud", json::array()), bad_token("it is for another client")},
        {claim("aud", json{"client-2", 7}), bad_token("it is for another client")},
        {no_claim("aud"), bad_token("it is for another client")},
        {claim("aud", json{"client-1", "client-2"}),
         bad_token("it is for several clients and does not say which one asked")},
        {claim("azp", "client-2"), bad_token("another client asked for it")},
        {claim("azp", 7), bad_token("another client asked for it")},
        {claim("exp", 1'799'999'940), bad_token("it has expired")},
        {claim("exp", 0), bad_token("it has expired")},
        {claim("exp", -1e300), bad_token("it has expired")},
        {claim("exp", "1900000000"), bad_token("it does not say from when to when it is good")},
        {no_claim("exp"), bad_token("it does not say from when to when it is good")},
        {no_claim("iat"), bad_token("it does not say from when to when it is good")},
        {claim("iat", 1'800'000'061), bad_token("it is from the future: check the clocks")},
        {claim("iat", 1e300), bad_token("it is from the future: check the clocks")},
        {claim("nbf", 1'800'000'061), bad_token("it is not good yet")},
        {claim("nbf", "x"), bad_token("it is not good yet")},
        {no_claim("sub"), bad_token("it does not say who signed in")},
        {claim("sub", ""), bad_token("it does not say who signed in")},
        {claim("sub", 248289761001), bad_token("it does not say who signed in")},
        {claim("sub", std::string(256, 'x')), bad_token("it does not say who signed in")},
        {claim("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), bad_token("the access token that came with it is another one")},
        {claim("at_hash", ""), bad_token("the access token that came with it is another one")},
        {claim("at_hash", 7), bad_token("the access token that came with it is another one")},
        // No signature, or one that anybody can make
        {none_header(R"({"alg":"none"})"), algorithm},
        {none_header(R"({"alg":"none","kid":"rsa-1"})"), algorithm},
        {none_header(R"({"alg":"None"})"), algorithm},
        {none_header(R"({"alg":""})"), algorithm},
        {none_header(R"({"alg":7})"), algorithm},
        {none_header(R"({"kid":"rsa-1"})"), algorithm},
        {none_header(R"({"alg":"RS256","kid":"rsa-1"})"), signature},
        {none_header(R"([])"), no_token},
        {none_header(R"({"alg":"RS256","kid":"rsa-1","crit":"b64"})"),
         bad_token("it has extensions that are not known here")},
        {signed_by([](const std::string& payload) {
             return signer(rsa_signer().public_jwk().dump(), "rsa-1").sign(payload, "HS256");
         }),
         algorithm},
        {signed_by([](const std::string& payload) { return signer("s3cret", "rsa-1").sign(payload, "HS256"); }),
         algorithm},
        {signed_by([](const std::string& payload) {
             return signer(rsa_signer().public_jwk().at("n").get<std::string>(), "").sign(payload, "HS512");
         }),
         algorithm},
        {signed_by([](const std::string& payload) { return rsa_signer().sign(payload, "RS512"); }), algorithm},
        {signed_by([](const std::string& payload) { return foreign_signer().sign(payload, "ES256"); }), signature},
        {signed_by([](const std::string& payload) { return signer(signer::kind::ec, "").sign(payload, "ES256"); }),
         unknown_key},
        {signed_by([](const std::string& payload) { return signer(signer::kind::ec, "ec-9").sign(payload, "ES256"); }),
         unknown_key},
        {signed_by([](const std::string& payload) { return signer(signer::kind::ec, "rsa-1").sign(payload, "ES256"); }),
         unknown_key},
        // A key that the token brings along
        {signed_by([](const std::string& payload) {
             const auto& own = foreign_signer();
             return own.sign(payload, "ES256", {{"jwk", own.public_jwk()}, {"jku", "https://evil.example/keys"}});
         }),
         signature},
        {signed_by([](const std::string& payload) {
             return rsa_signer().sign(payload, "RS256", {{"crit", json{"b64"}}});
         }),
         bad_token("it has extensions that are not known here")},
        // Tampered with
        {signed_by([](const std::string& payload) { return with_last_changed(rsa_signer().sign(payload, "RS256")); }),
         signature},
        {signed_by([](const std::string& payload) { return with_last_changed(ec_signer().sign(payload, "ES256")); }),
         signature},
        {signed_by([](const std::string& payload) {
             auto other = json::parse(payload);
             other["sub"] = "admin";
             return with_other_payload(rsa_signer().sign(payload, "RS256"), other.dump());
         }),
         signature},
        {signed_by([](const std::string& payload) {
             const auto whole = rsa_signer().sign(payload, "RS256");
             return whole.substr(0, whole.rfind('.') + 1);
         }),
         signature},
        // Bytes behind the signature, and another way to write the same bytes
        {signed_by([](const std::string& payload) { return ec_signer().sign(payload, "ES256") + "AAAA"; }), signature},
        {signed_by([](const std::string& payload) { return longer_signature(ec_signer().sign(payload, "ES256")); }),
         signature},
        {signed_by([](const std::string& payload) { return rsa_signer().sign(payload, "RS256") + "=="; }), no_token},
        {none_header(R"({"alg":"none","alg":"RS256","kid":"rsa-1"})"), signature},
        {none_header(R"({"alg":"RS256","alg":"none","kid":"rsa-1"})"), algorithm},
        {signed_by([](const std::string&) { return rsa_signer().sign("[]", "RS256"); }),
         bad_token("it holds no JSON object")},
        {signed_by([](const std::string&) { return std::string("a.b"); }), no_token},
        {signed_by([](const std::string&) { return std::string("a.b.c.d.e"); }), no_token},
        {signed_by([](const std::string&) { return std::string("..."); }), no_token},
        {claim("x", std::string(16 * 1024, 'x')), bad_token("it is empty or too large")},
    }));
    sign_in_fixture f;
    bend(f);
    CHECK(why(f.sign_in_now()) == reason);
}

TEST_CASE("what is unusual and in order is accepted", "[oidc]") {
    const auto bend = GENERATE(values<attack>(
        {claim("aud", json{"client-1"}),
         [](sign_in_fixture& f) {
             f.far.claims["aud"] = {"client-2", "client-1"};
             f.far.claims["azp"] = "client-1";
         },
         claim("exp", 1'799'999'941), claim("iat", 1'800'000'060), claim("exp", 1'800'000'300.5),
         claim("at_hash", to_base64url(sha256("at-1").substr(0, 16))), claim("sub", std::string(255, 'x'))}));
    sign_in_fixture f;
    bend(f);
    CHECK(why(f.sign_in_now()) == "accepted");
}

TEST_CASE("a token that does not name its key is tried with all that fit", "[oidc]") {
    sign_in_fixture f;
    const signer unnamed(signer::kind::ec, "");
    f.far.keys = jwk_set({rsa_signer().public_jwk(), ec_signer().public_jwk(), unnamed.public_jwk()});
    f.far.sign = [&](const std::string& payload) { return unnamed.sign(payload, "ES256"); };
    CHECK(why(f.sign_in_now()) == "accepted");
}

TEST_CASE("a browser that brings an answer to another question is refused before anything is fetched", "[oidc]") {
    const std::string not_ours = "bad_request: This answer does not belong to a sign-in that was started here: ";
    const auto [query, reason] = GENERATE(table<std::string, std::string>({
        {"code=code-1", "its state is another one"},
        {"code=code-1&state=", "its state is another one"},
        {"code=code-1&state=other", "its state is another one"},
        {"code=code-1&state=STATE&state=STATE", "it says something twice"},
        {"code=code-1&code=code-2&state=STATE", "it says something twice"},
        {"error=a&error=b&state=STATE", "it says something twice"},
        {"error=access_denied&state=other", "its state is another one"},
    }));
    sign_in_fixture f;
    const auto begun = f.begin();
    REQUIRE(begun);
    auto text = query;
    for (auto at = text.find("STATE"); at != std::string::npos; at = text.find("STATE"))
        text.replace(at, 5, begun->kept.state);
    const auto before = f.far.seen.size();
    CHECK(why(f.finish(begun->kept, *form::parse(text))) == not_ours + reason);
    CHECK(f.far.seen.size() == before);
    // A sign-in that was never begun has no state that an empty one could be equal to.
    CHECK(why(f.finish({}, *form::parse("code=x&state="))) == not_ours + "its state is another one");
}

TEST_CASE("an answer that names another issuer is a mix-up and gets no code exchanged", "[oidc]") {
    const auto [promised, issuer, is_accepted] = GENERATE(table<bool, std::string, bool>({
        {false, "", true},
        {false, "https://id.example.com/realm", true},
        {false, "https://evil.example", false},
        {false, "https://id.example.com/realm/", false},
        {true, "", false},
        {true, "https://id.example.com/realm", true},
        {true, "https://evil.example", false},
    }));
    sign_in_fixture f;
    f.far.metadata["authorization_response_iss_parameter_supported"] = promised;
    const auto iss = issuer;
    const auto who = f.sign_in_now([&](form& q) {
        if (!iss.empty()) q.add("iss", iss);
    });
    CHECK(who.has_value() == is_accepted);
    if (is_accepted) return;
    CHECK(why(who) ==
          "bad_request: This answer does not belong to a sign-in that was started here: it does not come from the "
          "provider that was asked");
    CHECK(f.far.count(token_url) == 0);
    // Nor is its error believed.
    const auto error = f.sign_in_now([&](form& q) {
        q.add("error", "access_denied");
        if (!iss.empty()) q.add("iss", iss);
    });
    REQUIRE_FALSE(error);
    CHECK(error.error().code == errc::bad_request);
}

TEST_CASE("a no of the provider is told for what it is", "[oidc]") {
    const auto [error, reason] = GENERATE(table<std::string, std::string>({
        {"access_denied", "forbidden: The sign-in was declined at Example"},
        {"temporarily_unavailable",
         "unexpected_reply: Example did not let the sign-in through: temporarily_unavailable"},
        {"<script>", "unexpected_reply: Example did not let the sign-in through: an unknown error"},
        {"", "unexpected_reply: Example did not let the sign-in through: an unknown error"},
    }));
    sign_in_fixture f;
    const auto code = error;
    CHECK(why(f.sign_in_now([&](form& q) { q.add("error", code); })) == reason);
    CHECK(f.far.count(token_url) == 0);
}

TEST_CASE("an answer without a code, or with a huge one, gets nothing exchanged", "[oidc]") {
    sign_in_fixture f;
    const auto begun = f.begin();
    for (const auto& code : {std::string(), std::string(4097, 'x')}) {
        form query;
        query.add("state", begun->kept.state).add("code", code);
        CHECK(why(f.finish(begun->kept, query)) ==
              "bad_request: This answer does not belong to a sign-in that was started here: it has no code");
    }
    CHECK(f.far.count(token_url) == 0);
}

TEST_CASE("an ID token of one sign-in is not good for another", "[oidc]") {
    sign_in_fixture f;
    std::string first;
    f.far.sign = [&](const std::string& payload) { return first = rsa_signer().sign(payload, "RS256"); };
    REQUIRE(f.sign_in_now());
    f.far.sign = [&](const std::string&) { return first; };
    CHECK(why(f.sign_in_now()) == bad_token("it was made for another sign-in"));
}

TEST_CASE("documents beyond the fetcher's bound end the sign-in", "[oidc]") {
    const auto url = GENERATE(as<std::string>(), "https://id.example.com/realm/.well-known/openid-configuration",
                              "https://id.example.com/token", "https://id.example.com/keys");
    sign_in_fixture f;
    f.far.instead.emplace(url, failure(errc::too_large, "id.example.com sent more than the 262144 bytes allowed"));
    CHECK(why(f.sign_in_now()) == "too_large: id.example.com sent more than the 262144 bytes allowed");
}
