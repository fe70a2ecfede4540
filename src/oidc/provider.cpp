#include "instatunnel/oidc/provider.hpp"

#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/base/random.hpp"
#include "sign_in_flow.hpp"

namespace instatunnel::oidc {
namespace {

constexpr std::size_t random_characters = 32;  // 190 bits

begun_sign_in begin_at(const provider_metadata& metadata, const provider_settings& settings, std::string redirect_uri) {
    begun_sign_in begun;
    auto& kept = begun.kept;
    kept.state = random_base62(random_characters);
    kept.nonce = random_base62(random_characters);
    kept.verifier = auth::make_code_verifier();
    kept.redirect_uri = std::move(redirect_uri);
    form query;
    query.add("response_type", "code").add("client_id", settings.client_id).add("scope", settings.scope);
    query.add("redirect_uri", kept.redirect_uri).add("state", kept.state).add("nonce", kept.nonce);
    query.add("code_challenge", auth::code_challenge(kept.verifier.reveal())).add("code_challenge_method", "S256");
    const auto& endpoint = metadata.authorization_endpoint;
    begun.location = endpoint + (endpoint.find('?') == std::string::npos ? "?" : "&") + query.text();
    return begun;
}

class relying_party final : public provider {
public:
    relying_party(provider_settings settings, fetch::fetcher& by, std::function<wall_time()> now)
        : core_(std::make_shared<provider_core>(std::move(settings), by, std::move(now))) {}

    void begin(std::string redirect_uri, std::function<void(outcome<begun_sign_in>)> done) override {
        core_->metadata->get(metadata_url(core_->settings.issuer),
                             [core = core_, uri = std::move(redirect_uri), done = std::move(done)](
                                 const outcome<std::shared_ptr<const provider_metadata>>& metadata) {
                                 if (!metadata) return done(metadata.error());
                                 done(begin_at(**metadata, core->settings, uri));
                             });
    }

    void finish(sign_in kept, const form& query, std::function<void(outcome<identity>)> done) override {
        std::make_shared<sign_in_flow>(core_, std::move(kept), query, std::move(done))->start();
    }

    const provider_settings& settings() const noexcept override { return core_->settings; }

private:
    const std::shared_ptr<provider_core> core_;
};

}  // namespace

std::unique_ptr<provider> make_provider(provider_settings settings, fetch::fetcher& fetcher,
                                        std::function<wall_time()> now) {
    return std::make_unique<relying_party>(std::move(settings), fetcher, std::move(now));
}

}  // namespace instatunnel::oidc
