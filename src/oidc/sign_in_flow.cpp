#include "sign_in_flow.hpp"

#include "instatunnel/auth/email.hpp"
#include "json_text.hpp"
#include "person_claims.hpp"

namespace instatunnel::oidc {
namespace {

constexpr std::size_t max_code = 4096;

failure not_ours(const char* why) {
    return {errc::bad_request, std::string("This answer does not belong to a sign-in that was started here: ") + why,
            "Start the sign-in again"};
}

}  // namespace

provider_core::provider_core(provider_settings s, fetch::fetcher& by, std::function<wall_time()> clock)
    : settings(std::move(s)),
      fetcher(by),
      now(std::move(clock)),
      metadata(std::make_shared<document_cache<provider_metadata>>(
          by, now, [this](std::string_view text) { return read_metadata(text, settings); })),
      keys(std::make_shared<document_cache<key_set>>(by, now, read_key_set)) {}

sign_in_flow::sign_in_flow(std::shared_ptr<provider_core> core, sign_in kept, const form& query, callback done)
    : core_(std::move(core)), kept_(std::move(kept)), query_(query.clone()), done_(std::move(done)) {}

void sign_in_flow::start() {
    if (auto wrong = check_state()) return done_(std::move(*wrong));
    core_->metadata->get(metadata_url(core_->settings.issuer), [self = shared_from_this()](outcome<metadata_ptr> m) {
        if (!m) return self->done_(m.error());
        self->metadata_ = *m;
        if (auto wrong = self->check_answer()) return self->done_(std::move(*wrong));
        self->exchange_code();
    });
}

std::optional<failure> sign_in_flow::check_state() const {
    for (const auto* name : {"state", "code", "iss", "error"})
        if (query_.count(name) > 1) return not_ours("it says something twice");
    if (kept_.state.empty() || !constant_time_equal(query_.value("state"), kept_.state))
        return not_ours("its state is another one");
    return std::nullopt;
}

// The issuer first: an answer of another provider is not looked into, not even for an error (RFC 9207 §2.4).
std::optional<failure> sign_in_flow::check_answer() const {
    const auto issuer = query_.find("iss");
    if (issuer ? *issuer != core_->settings.issuer : metadata_->promises_iss)
        return not_ours("it does not come from the provider that was asked");
    if (const auto error = query_.value("error"); error == "access_denied")
        return failure(errc::forbidden, "The sign-in was declined at " + core_->settings.name, "Start it again");
    else if (query_.find("error"))
        return failure(errc::unexpected_reply,
                       core_->settings.name + " did not let the sign-in through: " + shown_error(error),
                       "Start it again; if it stays, ask whoever looks after the provider");
    const auto code = query_.value("code");
    if (code.empty() || code.size() > max_code) return not_ours("it has no code");
    return std::nullopt;
}

void sign_in_flow::exchange_code() {
    auto request = token_request(core_->settings, *metadata_, kept_, query_.value("code"));
    auto started = core_->fetcher.start(std::move(request), [self = shared_from_this()](outcome<fetch::response> r) {
        self->take_tokens(std::move(r));
    });
    if (!started) done_(started.error());
}

void sign_in_flow::take_tokens(outcome<fetch::response> answer) {
    auto tokens = read_token_answer(std::move(answer), core_->settings);
    if (!tokens) return done_(tokens.error());
    tokens_ = std::move(*tokens);
    core_->keys->get(metadata_->jwks_uri,
                     [self = shared_from_this()](const outcome<keys_ptr>& keys) { self->take_keys(keys); });
}

outcome<id_token_claims> sign_in_flow::read_token(const key_set& keys) const {
    return read_id_token(
        tokens_.id_token.reveal(), keys,
        {core_->settings.issuer, core_->settings.client_id, kept_.nonce, tokens_.access_token.reveal(), core_->now()});
}

void sign_in_flow::take_keys(const outcome<keys_ptr>& keys) {
    if (!keys) return done_(keys.error());
    auto claims = read_token(**keys);
    if (!claims && claims.error().code == errc::not_found) return look_for_newer_keys(claims.error());
    if (!claims) return done_(claims.error());
    claims_ = std::move(*claims);
    take_claims();
}

// Providers change their keys (OpenID Connect Core 1.0 §10.1.1).
void sign_in_flow::look_for_newer_keys(const failure& why) {
    const failure unknown(errc::unexpected_reply, why.detail);
    core_->keys->get_newer(metadata_->jwks_uri, [self = shared_from_this(), unknown](const outcome<keys_ptr>& keys) {
        if (!keys) return self->done_(keys.error().code == errc::rate_limited ? unknown : keys.error());
        auto claims = self->read_token(**keys);
        if (!claims) return self->done_(claims.error().code == errc::not_found ? unknown : claims.error());
        self->claims_ = std::move(*claims);
        self->take_claims();
    });
}

void sign_in_flow::take_claims() {
    const bool can_ask = !metadata_->userinfo_endpoint.empty() && !tokens_.access_token.empty();
    if (claims_.email.empty() && can_ask) return ask_userinfo();
    succeed();
}

void sign_in_flow::ask_userinfo() {
    auto request = ask_provider(metadata_->userinfo_endpoint);
    request.authorization = secret("Bearer " + std::string(tokens_.access_token.reveal()));
    auto started = core_->fetcher.start(std::move(request), [self = shared_from_this()](outcome<fetch::response> r) {
        self->take_userinfo(std::move(r));
    });
    if (!started) done_(started.error());
}

void sign_in_flow::take_userinfo(outcome<fetch::response> answer) {
    const auto body = body_of(std::move(answer));
    if (!body) return done_(body.error());
    const auto document = parse_object(body->reveal());
    // An answer about somebody else must not be used (OpenID Connect Core 1.0 §5.3.2).
    if (!document || text_of(*document, "sub") != claims_.subject)
        return done_(failure(errc::unexpected_reply,
                             "The userinfo of " + core_->settings.name + " is about another person than its ID token"));
    const auto name = claims_.name;
    read_person(*document, claims_);
    if (claims_.name.empty()) claims_.name = name;
    succeed();
}

void sign_in_flow::succeed() {
    identity who;
    who.issuer = core_->settings.issuer;
    who.subject = claims_.subject;
    if (auto email = auth::normalise_email(claims_.email)) {
        who.email = std::move(*email);
        who.email_verified = claims_.email_verified;
    }
    if (auth::is_display_name(claims_.name)) who.name = claims_.name;
    done_(std::move(who));
}

}  // namespace instatunnel::oidc
