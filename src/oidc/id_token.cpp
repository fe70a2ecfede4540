#include "id_token.hpp"

#include <cjose/cjose.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/secret.hpp"
#include "json_text.hpp"
#include "person_claims.hpp"

namespace instatunnel::oidc {
namespace {

using nlohmann::json;

constexpr std::size_t max_token = std::size_t{16} * 1024;
constexpr std::size_t es256_bytes = 64;
constexpr double leeway_s = 60;  // of clocks that do not quite agree

struct jws_free {
    void operator()(cjose_jws_t* jws) const noexcept { cjose_jws_release(jws); }
};
using jws_ptr = std::unique_ptr<cjose_jws_t, jws_free>;

failure wrong(const char* why) {
    return {errc::unexpected_reply, std::string("The provider's ID token is not valid: ") + why};
}

failure unknown_algorithm() {
    return wrong("its algorithm is not one of RS256, PS256 and ES256");
}

struct token_header {
    std::string algorithm;
    std::string kid;
};

// From the header that the library verifies by, not from one that we read ourselves: of two readers one could see
// another algorithm.
outcome<token_header> read_header(cjose_jws_t* jws) {
    cjose_err error{};
    auto* header = cjose_jws_get_protected(jws);
    const auto value = [&](const char* name) {
        const auto* text = cjose_header_get(header, name, &error);
        return std::string(text == nullptr ? "" : text);
    };
    token_header read{value(CJOSE_HDR_ALG), value(CJOSE_HDR_KID)};
    if (!is_known_algorithm(read.algorithm)) return unknown_algorithm();
    return read;
}

// Three parts of base64url, each written in the one way there is.
std::optional<std::array<std::string, 3>> split(std::string_view token) {
    std::array<std::string, 3> parts;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto dot = token.find('.');
        if ((dot == std::string_view::npos) != (i + 1 == parts.size())) return std::nullopt;
        auto bytes = from_base64url(token.substr(0, dot));
        if (!bytes) return std::nullopt;
        parts[i] = std::move(*bytes);
        if (dot != std::string_view::npos) token.remove_prefix(dot + 1);
    }
    return parts;
}

// The library of Debian 12 loses memory on a header without an algorithm and cuts an ECDSA signature of any length in
// the middle, so it gets to see only what is well formed.
outcome<void> check_form(std::string_view token) {
    const auto parts = split(token);
    const auto header = parts ? parse_object((*parts)[0]) : std::nullopt;
    if (!header) return wrong("it is no signed token");
    const auto algorithm = text_of(*header, "alg");
    if (!is_known_algorithm(algorithm)) return unknown_algorithm();
    // What must be understood (RFC 7515 §4.1.11), and nothing is.
    if (header->contains("crit")) return wrong("it has extensions that are not known here");
    const auto size = (*parts)[2].size();
    if (size == 0 || (algorithm == "ES256" && size != es256_bytes)) return wrong("its signature is wrong");
    return {};
}

outcome<void> verify(cjose_jws_t* jws, const key_set& keys) {
    const auto header = read_header(jws);
    if (!header) return header.error();
    const auto candidates = keys.find(header->kid, header->algorithm);
    if (candidates.empty()) return failure(errc::not_found, "The provider's ID token is signed with an unknown key");
    cjose_err error{};
    for (const auto* one : candidates)
        if (cjose_jws_verify(jws, one->key.get(), &error)) return {};
    // Without a name for the key it may be one that is not known yet.
    if (header->kid.empty()) return failure(errc::not_found, "The provider's ID token is signed with an unknown key");
    return wrong("its signature is wrong");
}

std::optional<double> seconds_of(const json& claims, const char* name) {
    const auto member = claims.find(name);
    if (member == claims.end() || !member->is_number()) return std::nullopt;
    return member->get<double>();
}

outcome<void> check_audience(const json& claims, std::string_view client_id) {
    const auto audience = texts_of(claims, "aud");
    if (!audience || std::ranges::find(*audience, client_id) == audience->end())
        return wrong("it is for another client");
    const bool has_party = claims.contains("azp");
    if (audience->size() > 1 && !has_party) return wrong("it is for several clients and does not say which one asked");
    if (has_party && text_of(claims, "azp") != client_id) return wrong("another client asked for it");
    return {};
}

outcome<void> check_times(const json& claims, wall_time now) {
    const auto at = std::chrono::duration<double>(now.time_since_epoch()).count();
    const auto expiry = seconds_of(claims, "exp"), issue = seconds_of(claims, "iat");
    if (!expiry || !issue) return wrong("it does not say from when to when it is good");
    if (!(at < *expiry + leeway_s)) return wrong("it has expired");
    if (!(*issue <= at + leeway_s)) return wrong("it is from the future: check the clocks");
    if (claims.contains("nbf")) {
        const auto from = seconds_of(claims, "nbf");
        if (!from || !(*from <= at + leeway_s)) return wrong("it is not good yet");
    }
    return {};
}

// §3.1.3.6: the left half of the digest of the access token.
outcome<void> check_access_token(const json& claims, std::string_view access_token) {
    if (!claims.contains("at_hash")) return {};
    const auto expected = to_base64url(sha256(access_token).substr(0, 16));
    if (access_token.empty() || !constant_time_equal(text_of(claims, "at_hash"), expected))
        return wrong("the access token that came with it is another one");
    return {};
}

}  // namespace

bool is_known_algorithm(std::string_view name) noexcept {
    return name == "RS256" || name == "PS256" || name == "ES256";
}

outcome<id_token_claims> read_claims(std::string_view payload, const id_token_rules& rules) {
    const auto claims = parse_object(payload);
    if (!claims) return wrong("it holds no JSON object");
    if (text_of(*claims, "iss") != rules.issuer) return wrong("it is of another issuer");
    if (auto done = check_audience(*claims, rules.client_id); !done) return done.error();
    if (auto done = check_times(*claims, rules.now); !done) return done.error();
    if (rules.nonce.empty() || !constant_time_equal(text_of(*claims, "nonce"), rules.nonce))
        return wrong("it was made for another sign-in");
    if (auto done = check_access_token(*claims, rules.access_token); !done) return done.error();
    id_token_claims read;
    read.subject = text_of(*claims, "sub");
    if (!is_subject(read.subject)) return wrong("it does not say who signed in");
    read_person(*claims, read);
    return read;
}

outcome<id_token_claims> read_id_token(std::string_view token, const key_set& keys, const id_token_rules& rules) {
    if (token.empty() || token.size() > max_token) return wrong("it is empty or too large");
    if (auto done = check_form(token); !done) return done.error();
    cjose_err error{};
    const jws_ptr jws(cjose_jws_import(token.data(), token.size(), &error));
    if (jws == nullptr) return wrong("it is no signed token");
    if (auto verified = verify(jws.get(), keys); !verified) return verified.error();
    std::uint8_t* payload = nullptr;
    std::size_t size = 0;
    if (!cjose_jws_get_plaintext(jws.get(), &payload, &size, &error)) return wrong("it is no signed token");
    return read_claims({reinterpret_cast<const char*>(payload), size}, rules);
}

}  // namespace instatunnel::oidc
