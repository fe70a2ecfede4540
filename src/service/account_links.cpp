#include "account_links.hpp"

#include "instatunnel/auth/one_time_token.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/mail/mailer.hpp"

namespace instatunnel::service {
namespace {

store::token_kind kind_of(link_purpose purpose) {
    return purpose == link_purpose::verify_email ? store::token_kind::email_verification
                                                 : store::token_kind::password_reset;
}

std::chrono::hours life_of(link_purpose purpose) {
    switch (purpose) {
        case link_purpose::verify_email:
            return verification_link_life;
        case link_purpose::first_password:
            return first_password_link_life;
        case link_purpose::reset_password:
            break;
    }
    return reset_link_life;
}

std::string subject_of(link_purpose purpose, const std::string& domain) {
    switch (purpose) {
        case link_purpose::verify_email:
            return "Confirm your email address for " + domain;
        case link_purpose::first_password:
            return "Your account at " + domain;
        case link_purpose::reset_password:
            break;
    }
    return "Choose a new password for " + domain;
}

std::string words_before(link_purpose purpose, const std::string& domain) {
    switch (purpose) {
        case link_purpose::verify_email:
            return "Somebody made an account at " + domain +
                   " with this address.\nIf that was you, confirm the address here within 24 hours:\n\n";
        case link_purpose::first_password:
            return "Somebody made an account at " + domain +
                   " with this address.\nIf that was you, choose a password here within 24 hours:\n\n";
        case link_purpose::reset_password:
            break;
    }
    return "Somebody asked for a new password of your account at " + domain +
           ".\nIf that was you, choose one here within an hour:\n\n";
}

constexpr const char* words_after =
    "\n\nThe link works once. If it was not you, do nothing: without the link nothing changes.\n";

secret text_of(const account_link& link, const std::string& domain) {
    std::string text;
    text.reserve(1024);  // never moved: a copy of the link would stay behind
    text.append(words_before(link.purpose, domain)).append(link.url.reveal()).append(words_after);
    return secret(std::move(text));
}

store::one_time_token record_of(const secret& token, link_purpose purpose, wall_time now) {
    store::one_time_token record;
    record.digest = auth::one_time_digest(token.reveal());
    record.kind = kind_of(purpose);
    record.created_at = now;
    record.expires_at = now + life_of(purpose);
    return record;
}

}  // namespace

secret link_url(const std::string& base, link_purpose purpose, const secret& token) {
    std::string url;
    url.reserve(base.size() + 128);
    url.append(base).append(purpose == link_purpose::verify_email ? "/auth/verify?token=" : "/auth/reset?token=");
    return secret(std::move(url.append(token.reveal())));
}

outcome<account_link> account_links::make(link_purpose purpose, const store::user& user) {
    const auto token = auth::make_one_time_token();
    auto record = record_of(token, purpose, tuning_.now());
    record.user_id = user.id;
    record.proves_email = options_.mail != nullptr;
    if (auto stored = data_.put_token(record); !stored) return stored.error();
    return account_link{purpose, user.email, link_url(names_.url("api"), purpose, token)};
}

outcome<void> account_links::pretend(link_purpose purpose) {
    const auto token = auth::make_one_time_token();
    return data_.put_token(record_of(token, purpose, tuning_.now()));
}

void account_links::deliver(account_link link) {
    if (options_.mail != nullptr) {
        mail::message m;
        m.subject = subject_of(link.purpose, options_.domain);
        m.text = text_of(link, options_.domain);
        m.to = std::move(link.email);
        (void)options_.mail->post(std::move(m));  // it has logged why
    } else if (options_.dev) {
        log::info("account.link").with("email", link.email).with("link", link.url.reveal());
    }
}

}  // namespace instatunnel::service
