#include <charconv>
#include <utility>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/auth/sealed_box.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/oidc/provider.hpp"
#include "site.hpp"

/// Sign-in through an outside OpenID provider.
namespace instatunnel::service {
namespace {

constexpr std::string_view cookie_name = "__Host-it_provider";
constexpr std::string_view cookie_purpose = "sign-in at the provider";
// From the button to the way back; people may have to find their phone.
constexpr std::chrono::minutes round_trip{10};

struct kept_sign_in {
    oidc::sign_in values;
    std::string next;
};

form to_form(const kept_sign_in& kept, wall_time until) {
    form fields;
    fields.add("state", kept.values.state).add("nonce", kept.values.nonce);
    fields.add("verifier", std::string(kept.values.verifier.reveal())).add("redirect", kept.values.redirect_uri);
    fields.add("next", kept.next).add("until", std::to_string(unix_seconds(until)));
    return fields;
}

std::optional<kept_sign_in> read_kept(const secret& pepper, std::string_view cookie, wall_time now) {
    const auto sealed = from_base64url(cookie);
    const auto text = sealed ? auth::unseal(pepper, cookie_purpose, *sealed) : std::nullopt;
    const auto fields = text ? form::parse(text->reveal()) : std::nullopt;
    if (!fields) return std::nullopt;
    const auto ends = fields->value("until");
    std::int64_t until = 0;
    std::from_chars(ends.data(), ends.data() + ends.size(), until);
    if (until <= unix_seconds(now)) return std::nullopt;
    kept_sign_in kept;
    kept.values.state = fields->value("state");
    kept.values.nonce = fields->value("nonce");
    kept.values.verifier = secret(std::string(fields->value("verifier")));
    kept.values.redirect_uri = fields->value("redirect");
    kept.next = safe_next(fields->value("next"));
    return kept;
}

std::pair<std::string, std::string> cookie(std::string_view value, std::chrono::seconds life) {
    std::string text(cookie_name);
    text.append("=").append(value).append("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=");
    return {"Set-Cookie", text + std::to_string(life.count())};
}

api_error refused(std::string text, int status = 403) {
    api_error error;
    error.status = status;
    error.message = std::move(text);
    return error;
}

}  // namespace

void site::begin_provider(const call_ptr& c) {
    if (parts_.options.people == nullptr) return c->fail(refused("This server has no outside sign-in"));
    const auto query = form::parse(c->request.query);
    const auto next = safe_next(query ? query->value("next") : std::string_view());
    parts_.options.people->begin(
        parts_.oauth.settings.issuer + "/sign-in/callback", [this, c, next](outcome<oidc::begun_sign_in> begun) {
            auto shared = std::make_shared<outcome<oidc::begun_sign_in>>(std::move(begun));
            parts_.queue.post_continuation([this, c, next, shared] {
                if (!*shared) return provider_failed(c, shared->error());
                const auto until = parts_.settings.now() + round_trip;
                const secret kept(to_form({std::move((*shared)->kept), next}, until).text());
                c->added.push_back(cookie(to_base64url(auth::seal(parts_.pepper, cookie_purpose, kept)), round_trip));
                c->redirect((*shared)->location);
            });
        });
}

void site::provider_failed(const call_ptr& c, const failure& why) {
    parts_.audit.note_seldom(guard_.event(c, "login.failed").about("provider").refused(code_name(why.code)),
                             c->request.remote_address);
    c->fail(refused(parts_.options.people->settings().name + ": " + std::string(why.what()), 502));
}

void site::finish_provider(const call_ptr& c) {
    if (parts_.options.people == nullptr) return c->fail(refused("This server has no outside sign-in"));
    auto kept = read_kept(parts_.pepper, cookie_value(*c, cookie_name), parts_.settings.now());
    c->added.push_back(cookie({}, std::chrono::seconds(0)));
    if (!kept) return c->fail(refused("That took too long, or began in another browser. Sign in once more", 400));
    const auto query = form::parse(c->request.query);
    if (!query) return c->fail(refused("The answer of the provider is damaged. Sign in once more", 400));
    parts_.options.people->finish(std::move(kept->values), *query,
                                  [this, c, next = kept->next](outcome<oidc::identity> who) {
                                      parts_.queue.post_continuation([this, c, next, who] {
                                          if (!who) return provider_failed(c, who.error());
                                          admit_identity(c, *who, next);
                                      });
                                  });
}

void site::admit_identity(const call_ptr& c, const oidc::identity& who, const std::string& next) {
    if (!oidc::is_welcome(who, parts_.options.people->settings().domains))
        return c->fail(refused("Your address does not belong to a domain that may sign in here"));
    auto person = person_of(c, who);
    if (!person) return c->fail(person.error());
    if (person->disabled) return c->fail(failure(errc::account_disabled));
    after_password(c, *person, next);
}

outcome<store::user> site::person_of(const call_ptr& c, const oidc::identity& who) {
    auto known = parts_.data.find_identity(who.issuer, who.subject);
    if (!known) return known.error();
    if (*known) {
        auto person = parts_.data.find_user((*known)->user_id);
        if (!person) return person.error();
        if (*person) return std::move(**person);
    }
    if (!oidc::may_link_by_email(who))
        return failure(errc::forbidden,
                       "The provider has not verified your email address, so it opens no account here");
    auto same = parts_.data.find_user_by_email(who.email);
    if (!same) return same.error();
    // Where strangers can register, somebody may have made an account with this address before, and knows its password.
    const bool strangers = parts_.options.sign_up != sign_up_policy::closed;
    if (*same && strangers && !(*same)->verified_at)
        return failure(errc::forbidden,
                       "There is an account with your address that nobody has confirmed. Confirm it by the link in our "
                       "mail, or choose a new password, then sign in this way again");
    const bool may_join =
        parts_.options.sign_up == sign_up_policy::open || !parts_.options.people->settings().domains.empty();
    if (!*same && !may_join)
        return failure(errc::forbidden, "There is no account for your address here, and sign-up is closed");
    return link_identity(c, who, *same ? **same : new_person(who), !*same);
}

store::user site::new_person(const oidc::identity& who) const {
    store::user person;
    person.id = auth::make_id("user");
    person.account_id = auth::make_id("acc");
    person.email = who.email;
    person.name = who.name.empty() ? who.email.substr(0, who.email.find('@')) : who.name;
    person.plan = "pro";
    person.created_at = parts_.settings.now();
    person.verified_at = person.created_at;
    return person;
}

outcome<store::user> site::link_identity(const call_ptr& c, const oidc::identity& who, const store::user& person,
                                         bool is_new) {
    const auto now = parts_.settings.now();
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        if (is_new)
            if (auto added = parts_.data.add_user(person, std::nullopt); !added) return added;
        // The provider says whose address it is.
        if (auto noted = parts_.data.verify_email(person.id, now); !noted) return noted;
        store::outside_identity identity{who.issuer, who.subject, person.id, who.email, now};
        if (auto added = parts_.data.add_identity(identity); !added) return added;
        auto event = event_of(c, person, is_new ? "account.registered" : "identity.linked");
        return parts_.audit.append(event.about(person.email).with("issuer", who.issuer));
    });
    if (!stored) return stored.error();
    return person;
}

}  // namespace instatunnel::service
