#pragma once

#include <cjose/cjose.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "catch_outcome.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::oidc::testing {

using nlohmann::json;

/// A private key of a provider that a test makes up.
class signer {
public:
    enum class kind { rsa, short_rsa, ec, other_curve };

    explicit signer(kind what, std::string kid) : kid_(std::move(kid)) {
        cjose_err error{};
        const std::uint8_t exponent[] = {1, 0, 1};
        key_.reset(what == kind::rsa         ? cjose_jwk_create_RSA_random(2048, exponent, sizeof exponent, &error)
                   : what == kind::short_rsa ? cjose_jwk_create_RSA_random(1024, exponent, sizeof exponent, &error)
                   : what == kind::ec        ? cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_256, &error)
                                             : cjose_jwk_create_EC_random(CJOSE_JWK_EC_P_384, &error),
                   cjose_jwk_release);
        REQUIRE(key_ != nullptr);
    }

    /// A shared secret: what an attacker signs with who has only public things.
    signer(const std::string& secret, std::string kid) : kid_(std::move(kid)) {
        cjose_err error{};
        key_.reset(
            cjose_jwk_create_oct_spec(reinterpret_cast<const std::uint8_t*>(secret.data()), secret.size(), &error),
            cjose_jwk_release);
        REQUIRE(key_ != nullptr);
    }

    const std::string& kid() const noexcept { return kid_; }

    /// Its entry in a JWK set.
    json public_jwk() const {
        cjose_err error{};
        const std::unique_ptr<char, decltype(&std::free)> text(cjose_jwk_to_json(key_.get(), false, &error),
                                                               &std::free);
        auto jwk = json::parse(text.get());
        if (!kid_.empty()) jwk["kid"] = kid_;
        return jwk;
    }

    /// A compact JWS over `payload`; members of `more` are added to its header.
    std::string sign(const std::string& payload, const char* algorithm, const json& more = json::object()) const {
        cjose_err error{};
        auto* header = cjose_header_new(&error);
        REQUIRE(cjose_header_set(header, CJOSE_HDR_ALG, algorithm, &error));
        if (!kid_.empty()) REQUIRE(cjose_header_set(header, CJOSE_HDR_KID, kid_.c_str(), &error));
        for (const auto& [name, value] : more.items()) {
            const auto text = value.is_string() ? value.get<std::string>() : value.dump();
            const auto set = value.is_string() ? cjose_header_set : cjose_header_set_raw;
            REQUIRE(set(header, name.c_str(), text.c_str(), &error));
        }
        auto* jws = cjose_jws_sign(key_.get(), header, reinterpret_cast<const std::uint8_t*>(payload.data()),
                                   payload.size(), &error);
        REQUIRE(jws != nullptr);
        const char* text = nullptr;
        REQUIRE(cjose_jws_export(jws, &text, &error));
        std::string compact(text);
        cjose_jws_release(jws);
        cjose_header_release(header);
        return compact;
    }

private:
    std::shared_ptr<cjose_jwk_t> key_;
    std::string kid_;
};

/// Keys are dear to make: one of each for the whole program.
inline const signer& rsa_signer() {
    static const signer one(signer::kind::rsa, "rsa-1");
    return one;
}
inline const signer& ec_signer() {
    static const signer one(signer::kind::ec, "ec-1");
    return one;
}
inline const signer& foreign_signer() {
    static const signer one(signer::kind::ec, "ec-1");  // the same name, another key
    return one;
}

inline std::string jwk_set(std::initializer_list<json> keys) {
    return json{{"keys", std::vector<json>(keys)}}.dump();
}

/// Header and payload as they are, with a signature of the test's choice.
inline std::string raw_token(const std::string& header, const std::string& payload, const std::string& signature = "") {
    return to_base64url(header) + "." + to_base64url(payload) + "." + signature;
}

}  // namespace instatunnel::oidc::testing
