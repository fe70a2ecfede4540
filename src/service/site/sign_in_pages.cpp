#include <charconv>

#include "../form_fields.hpp"
#include "../password_check.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/sealed_box.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/oidc/provider.hpp"
#include "second_factor.hpp"
#include "site.hpp"

namespace instatunnel::service {
namespace {

// From the right password to the code.
constexpr std::chrono::minutes ticket_life{5};

std::int64_t microseconds(wall_time t) {
    return std::chrono::duration_cast<std::chrono::microseconds>(t.time_since_epoch()).count();
}

}  // namespace

void site::sign_in_form(const call_ptr& c, const std::string& next, std::string_view email, std::string_view problem,
                        int status) {
    markup m;
    add_problem(m, problem);
    m.raw("<form method=\"post\" action=\"/sign-in\">").hidden("csrf", parts_.sessions.form_token(*c));
    m.hidden("next", next);
    m.raw(
         "<label for=\"email\">Email</label><input id=\"email\" name=\"email\" type=\"email\" "
         "autocomplete=\"username\" "
         "maxlength=\"254\" required")
        .raw(email.empty() ? " autofocus" : "")
        .raw(" value=\"")
        .text(email)
        .raw("\">");
    m.raw(
         "<label for=\"password\">Password</label><input id=\"password\" name=\"password\" type=\"password\" "
         "autocomplete=\"current-password\" maxlength=\"1024\" required")
        .raw(email.empty() ? "" : " autofocus");
    m.raw("><div class=\"buttons\"><button>Sign in</button></div></form>");
    if (parts_.options.people != nullptr) {
        m.raw("<p class=\"buttons\"><a href=\"/sign-in/provider?next=")
            .text(percent_encode(next))
            .raw("\">Sign in with ");
        m.text(parts_.options.people->settings().name).raw("</a></p>");
    }
    m.raw(
        "<small>Forgotten the password? On a command line: <code>instatunnel auth password reset -e "
        "YOU</code></small>");
    show_small(c, "Sign in", m, status, form_target_of(next));
}

void site::show_sign_in(const call_ptr& c) {
    const auto query = form_fields(c->request.query);
    const auto next = safe_next(query.value("next"));
    const auto found = parts_.sessions.find(*c);
    if (!found) return c->fail(found.error());
    if (*found) return c->redirect(next);
    sign_in_form(c, next, {}, {});
}

void site::submit_sign_in(const call_ptr& c) {
    const auto fields = form_fields(c->request.body.reveal());
    const auto next = safe_next(fields.value("next"));
    if (!check_form(c, fields)) return;
    const std::string typed(fields.value("email"));
    const auto email = auth::normalise_email(typed);
    if (!email) return sign_in_form(c, next, {}, "That is not an email address", 422);
    secret password{std::string(fields.value("password"))};
    check_password(parts_, guard_, c, *email, std::move(password),
                   [this, c, next, email = *email](outcome<store::user> person) {
                       if (person) return after_password(c, *person, next);
                       if (person.error().code == errc::wrong_password)
                           return sign_in_form(c, next, email, message(errc::wrong_password), 401);
                       c->fail(person.error());
                   });
}

void site::after_password(const call_ptr& c, const store::user& person, const std::string& next) {
    const auto on = parts_.factors.is_on(person.id);
    if (!on) return c->fail(on.error());
    if (!*on) return finish_sign_in(c, person, next);
    code_form(c, next, make_ticket(c, person), {});
}

// Says who gave the right password a moment ago, to this browser only; sealed, so that nothing has to be stored.
std::string site::make_ticket(const call_ptr& c, const store::user& person) const {
    const auto until = microseconds(parts_.settings.now() + ticket_life);
    const auto purpose = "password was right " + std::string(web_sessions::browser(*c));
    return to_base64url(auth::seal(parts_.pepper, purpose, secret(std::to_string(until) + " " + person.id)));
}

std::optional<store::user> site::open_ticket(const call_ptr& c, std::string_view ticket) {
    const auto sealed = from_base64url(ticket);
    const auto purpose = "password was right " + std::string(web_sessions::browser(*c));
    const auto text = sealed ? auth::unseal(parts_.pepper, purpose, *sealed) : std::nullopt;
    if (!text) return std::nullopt;
    const auto plain = text->reveal();
    std::int64_t until = 0;
    const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), until);
    if (error != std::errc() || until <= microseconds(parts_.settings.now())) return std::nullopt;
    auto person = parts_.data.find_user(trim(plain.substr(static_cast<std::size_t>(end - plain.data()))));
    if (!person || !*person || (*person)->disabled) return std::nullopt;
    return std::move(**person);
}

void site::code_form(const call_ptr& c, const std::string& next, const std::string& ticket, std::string_view problem,
                     int status) {
    markup m;
    add_problem(m, problem);
    m.raw("<form method=\"post\" action=\"/sign-in/code\">").hidden("csrf", parts_.sessions.form_token(*c));
    m.hidden("next", next).hidden("ticket", ticket);
    m.raw(
        "<label for=\"code\">Code of your authenticator app</label><input id=\"code\" name=\"code\" type=\"text\" "
        "class=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"20\" required autofocus "
        "aria-describedby=\"hint\"><small id=\"hint\">Six digits. Without the app, one of your recovery "
        "codes.</small>");
    m.raw("<div class=\"buttons\"><button>Go on</button></div></form>");
    show_small(c, "One more step", m, status, form_target_of(next));
}

void site::submit_code(const call_ptr& c) {
    const auto fields = form_fields(c->request.body.reveal());
    const auto next = safe_next(fields.value("next"));
    if (!check_form(c, fields)) return;
    const std::string ticket(fields.value("ticket"));
    const auto person = open_ticket(c, ticket);
    if (!person) return sign_in_form(c, next, {}, "That took too long. Sign in once more", 401);
    if (!guard_.take_sign_in(c, person->email)) return;
    const auto accepted = parts_.factors.accept(person->id, fields.value("code"));
    if (!accepted) return c->fail(accepted.error());
    if (!*accepted) {
        guard_.note_refused_sign_in(c, event_of(c, *person, "login.failed").refused("wrong_code"), person->email);
        return code_form(c, next, ticket, "That code is wrong or was used before", 401);
    }
    guard_.give_back_sign_in(c, person->email);
    finish_sign_in(c, *person, next);
}

void site::finish_sign_in(const call_ptr& c, const store::user& person, const std::string& next) {
    auto made = parts_.audit.together(
        [&] { return parts_.sessions.start(*c, person); },
        [&](const auto& started) { return event_of(c, person, "session.started").about(started.record.id); });
    if (!made) return c->fail(made.error());
    c->added.push_back(web_sessions::session_cookie(made->cookie));
    c->redirect(next);
}

void site::sign_out(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    const auto ended =
        parts_.audit.together([&] { return parts_.data.remove_web_session(who->person.id, who->session.id); },
                              [&] { return event_of(c, who->person, "session.ended").about(who->session.id); });
    if (!ended && ended.error().code != errc::not_found) return c->fail(ended.error());
    c->added.push_back(web_sessions::no_session_cookie());
    // Somebody who wants to consent as another person comes back to the question.
    const auto next = fields.value("next");
    c->redirect(next.empty() ? "/sign-in" : "/sign-in?next=" + percent_encode(safe_next(next)));
}

}  // namespace instatunnel::service
