#include "api.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "json_body.hpp"
#include "password_reset.hpp"

namespace instatunnel::service {

void api::rename_user(const call_ptr& c) {
    json_body body(c->request.body.reveal());
    const auto name = body.required_text("name");
    if (body.error()) return c->fail(*body.error());
    if (!auth::is_display_name(name))
        return c->fail(wrong_value("name", "\"name\" must have 1 to 120 bytes and no control characters"));
    const auto renamed = parts_.audit.together(
        [&] { return parts_.data.rename_user(c->key.user_id, name); },
        [&] { return guard_.event(c, "account.renamed").about(c->key.user_id).with("to", name); });
    if (!renamed) return c->fail(renamed.error());
    show_user(c);
}

std::optional<api_error> api::verify_with(const call_ptr& c, std::string_view token) {
    std::optional<api_error> error;
    const auto user = owner_of_link(store::token_kind::email_verification, token, error);
    if (error) return error;
    const auto now = parts_.settings.now();
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        const auto digest = auth::one_time_digest(token);
        if (auto taken = parts_.data.take_token(store::token_kind::email_verification, digest, now); !taken)
            return taken;
        if (auto noted = parts_.data.verify_email(user->id, now); !noted) return noted;
        auto event = audit_event("email.verified").by(actor_kind::user, user->id).of(user->account_id);
        return parts_.audit.append(event.about(user->email).from(c->request.remote_address));
    });
    if (!stored) return stored.error().code == errc::not_found ? link_is_dead() : error_for(stored.error());
    parts_.keys.forget_account(user->account_id);
    return std::nullopt;
}

void api::verify_email(const call_ptr& c) {
    json_body body(c->request.body.reveal());
    const auto token = body.required_secret("token");
    if (body.error()) return c->fail(*body.error());
    if (const auto error = verify_with(c, token.reveal())) return c->fail(*error);
    nlohmann::ordered_json answer;
    answer["email_verified"] = true;
    c->reply(200, answer);
}

void api::resend_verification(const call_ptr& c) {
    auto user = parts_.data.find_user(c->key.user_id);
    if (!user) return c->fail(user.error());
    if (!*user) return c->fail(failure(errc::invalid_key));
    if ((*user)->verified_at) return c->fail(failure(errc::already_exists, "This email address is verified already"));
    if (!parts_.links.can_deliver())
        return c->fail(failure(errc::forbidden, "This server sends no mail: ask its owner"));
    const auto& address = c->request.remote_address;
    if (!guard_.refuse_if(c, parts_.account_rates.take_mail((*user)->email, address, parts_.settings.steady()))) return;
    auto link = parts_.audit.together(
        [&] { return parts_.links.make(link_purpose::verify_email, **user); },
        [&](const account_link& made) { return guard_.event(c, "email.link_sent").about(made.email); });
    if (!link) return c->fail(link.error());
    parts_.links.deliver(std::move(*link));
    nlohmann::ordered_json answer;
    answer["message"] = "A mail with a link is on its way to " + (*user)->email;
    c->reply(202, answer);
}

}  // namespace instatunnel::service
