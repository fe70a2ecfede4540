#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/oidc/provider.hpp"
#include "signer.hpp"

namespace instatunnel::oidc::testing {

/// An OpenID provider behind a fetcher that answers at once, or when told to. What it says can be bent before a
/// sign-in.
class fake_provider final : public fetch::fetcher {
public:
    const std::string issuer = "https://id.example.com/realm";
    wall_time now{std::chrono::seconds(1'800'000'000)};
    json metadata{{"issuer", issuer},
                  {"authorization_endpoint", "https://id.example.com/authorize"},
                  {"token_endpoint", "https://id.example.com/token"},
                  {"jwks_uri", "https://id.example.com/keys"},
                  {"userinfo_endpoint", "https://id.example.com/userinfo"},
                  {"id_token_signing_alg_values_supported", {"RS256", "ES256"}},
                  {"response_types_supported", {"code"}}};
    std::string keys = jwk_set({rsa_signer().public_jwk(), ec_signer().public_jwk()});
    json claims{{"iss", issuer},        {"sub", "248289761001"},      {"aud", "client-1"},      {"exp", 1'800'000'300},
                {"iat", 1'800'000'000}, {"email", "Ann@Example.com"}, {"email_verified", true}, {"name", "Ann"}};
    json tokens{{"access_token", "at-1"}, {"token_type", "Bearer"}, {"expires_in", 300}};
    json userinfo{{"sub", "248289761001"}, {"email", "ann@example.com"}, {"email_verified", true}};
    /// Makes the ID token of the payload.
    std::function<std::string(const std::string&)> sign = [](const std::string& payload) {
        return rsa_signer().sign(payload, "RS256");
    };
    /// What is answered instead of the usual; by URL.
    std::map<std::string, outcome<fetch::response>> instead;
    bool holds_back = false;  ///< answers wait for let_go()

    struct seen_request {
        std::string url, body, authorization;
        std::size_t max_bytes = 0;
        fetch::address_policy addresses{};
    };
    std::vector<seen_request> seen;

    outcome<void> start(fetch::request what, fetch::callback done) override {
        seen.push_back({what.url, std::string(what.body.reveal()), std::string(what.authorization.reveal()),
                        what.max_bytes, what.addresses});
        if (holds_back)
            held_.emplace_back(what.url, std::move(done));
        else
            done(answer(what.url));
        return {};
    }
    void stop() override {}

    void let_go() {
        holds_back = false;
        auto held = std::exchange(held_, {});
        for (auto& [url, done] : held)
            done(answer(url));
    }

    std::size_t count(const std::string& url) const {
        return static_cast<std::size_t>(
            std::count_if(seen.begin(), seen.end(), [&](const seen_request& r) { return r.url == url; }));
    }
    const seen_request& last(const std::string& url) const {
        const auto found = std::find_if(seen.rbegin(), seen.rend(), [&](const auto& r) { return r.url == url; });
        REQUIRE(found != seen.rend());
        return *found;
    }

    /// The person signs in at the provider: it remembers the nonce of the address and sends the browser back.
    form sign_in_at(const std::string& location) {
        const auto query = *form::parse(location.substr(location.find('?') + 1));
        nonce_ = query.value("nonce");
        form back;
        back.add("code", "code-1").add("state", std::string(query.value("state")));
        return back;
    }

    static outcome<fetch::response> reply(int status, const std::string& body) {
        return fetch::response{status, "application/json", "", secret(body)};
    }

private:
    outcome<fetch::response> answer(const std::string& url) {
        if (const auto own = instead.find(url); own != instead.end()) {
            if (!own->second) return own->second.error();
            return reply(own->second->status, std::string(own->second->body.reveal()));
        }
        if (url == issuer + "/.well-known/openid-configuration") return reply(200, metadata.dump());
        if (url == metadata.value("jwks_uri", "")) return reply(200, keys);
        if (url == metadata.value("userinfo_endpoint", "")) return reply(200, userinfo.dump());
        if (url != metadata.value("token_endpoint", "")) return reply(404, "{}");
        auto payload = claims;
        if (!payload.contains("nonce")) payload["nonce"] = nonce_;
        auto answer = tokens;
        if (!answer.contains("id_token")) answer["id_token"] = sign(payload.dump());
        return reply(200, answer.dump());
    }

    std::string nonce_;
    std::vector<std::pair<std::string, fetch::callback>> held_;
};

/// A relying party of the fake provider.
struct sign_in_fixture {
    fake_provider far;
    provider_settings settings;
    std::unique_ptr<provider> here;

    explicit sign_in_fixture(const std::string& client_secret = "s3cret") {
        settings.issuer = far.issuer;
        settings.client_id = "client-1";
        settings.client_secret = secret(client_secret);
        settings.name = "Example";
        make();
    }
    void make() {
        here = make_provider({settings.issuer,
                              settings.client_id,
                              settings.client_secret.clone(),
                              {},
                              settings.scope,
                              settings.name,
                              settings.transport},
                             far, [this] { return far.now; });
    }

    outcome<begun_sign_in> begin() {
        outcome<begun_sign_in> begun = failure(errc::internal, "not called");
        here->begin("https://api.t.example.com/cb", [&](outcome<begun_sign_in> b) { begun = std::move(b); });
        return begun;
    }
    outcome<identity> finish(const sign_in& kept, const form& query) {
        outcome<identity> who = failure(errc::internal, "not called");
        here->finish({kept.state, kept.nonce, kept.verifier.clone(), kept.redirect_uri}, query,
                     [&](outcome<identity> i) { who = std::move(i); });
        return who;
    }
    /// The whole way; `bend` changes what the browser brings back.
    outcome<identity> sign_in_now(const std::function<void(form&)>& bend = {}) {
        const auto begun = begin();
        if (!begun) return begun.error();
        auto query = far.sign_in_at(begun->location);
        if (bend) bend(query);
        return finish(begun->kept, query);
    }
};

inline std::string why(const outcome<identity>& r) {
    return r ? "accepted" : std::string(code_name(r.error().code)) + ": " + std::string(r.error().what());
}

}  // namespace instatunnel::oidc::testing
