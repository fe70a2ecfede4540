#include "instatunnel/auth/totp.hpp"
#include "instatunnel/base/encoding.hpp"
#include "qr_picture.hpp"
#include "second_factor.hpp"
#include "site.hpp"

namespace instatunnel::service {
namespace {

// "JBSW Y3DP …": what people type where they cannot scan.
std::string in_groups(std::string_view text) {
    std::string grouped;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (i != 0 && i % 4 == 0) grouped += ' ';
        grouped += text[i];
    }
    return grouped;
}

void add_code_field(markup& m, std::string_view label) {
    m.raw("<label for=\"code\">")
        .raw(label)
        .raw(
            "</label><input id=\"code\" name=\"code\" type=\"text\" class=\"code\" "
            "autocomplete=\"one-time-code\" maxlength=\"20\" required>");
}

void add_how_it_is_on(markup& m, std::uint64_t codes_left, const std::string& csrf) {
    add_notice(m, "Two-factor sign-in is on");
    m.raw("<p>Recovery codes left: <strong>").raw(std::to_string(codes_left)).raw("</strong></p>");
    m.raw("<h2>New recovery codes</h2><form method=\"post\" action=\"/account/security/recovery-codes\">");
    m.hidden("csrf", csrf)
        .raw(
            "<p>The old ones end.</p><label for=\"again\">Code of your authenticator app</label>"
            "<input id=\"again\" name=\"code\" type=\"text\" class=\"code\" autocomplete=\"one-time-code\" "
            "maxlength=\"20\" required><div class=\"buttons\"><button class=\"quiet\">Make new "
            "ones</button></div></form>");
    m.raw("<h2>Turn it off</h2><form method=\"post\" action=\"/account/security/two-factor/off\">")
        .hidden("csrf", csrf);
    add_code_field(m, "Code of your authenticator app, or a recovery code");
    m.raw("<div class=\"buttons\"><button class=\"danger\">Turn off</button></div></form>");
}

}  // namespace

void site::security_page(const call_ptr& c, const signed_in_person& who, std::string_view problem) {
    const auto on = parts_.factors.is_on(who.person.id);
    if (!on) return c->fail(on.error());
    const auto csrf = parts_.sessions.form_token(*c);
    markup m;
    add_problem(m, problem);
    if (*on) {
        const auto left = parts_.factors.recovery_codes_left(who.person.id);
        if (!left) return c->fail(left.error());
        add_how_it_is_on(m, *left, csrf);
        return show_page(c, who, "/account/security", "Security", m);
    }
    const auto begun = parts_.factors.begun(who.person.id);
    if (!begun) return c->fail(begun.error());
    if (!*begun) {
        m.raw(
             "<p>With two-factor sign-in a code of an app on your phone is asked for beside the password, here and for "
             "<code>instatunnel login -e</code>. API keys go on working.</p>"
             "<form method=\"post\" action=\"/account/security/two-factor\">")
            .hidden("csrf", csrf);
        m.raw("<div class=\"buttons\"><button>Set up two-factor sign-in</button></div></form>");
        return show_page(c, who, "/account/security", "Security", m);
    }
    const auto uri = auth::totp_uri(**begun, parts_.options.domain, who.person.email);
    m.raw("<p>Scan this with your authenticator app:</p>");
    m.raw(qr_picture(uri.reveal(), "QR code for an authenticator app; the key stands below"));
    m.raw("<p>Or type this key: <code class=\"secret\">").text(in_groups(to_base32((*begun)->reveal())));
    m.raw("</code></p><form method=\"post\" action=\"/account/security/two-factor/confirm\">").hidden("csrf", csrf);
    add_code_field(m, "The six digits that it shows now");
    m.raw("<div class=\"buttons\"><button>Turn it on</button></div></form>");
    show_page(c, who, "/account/security", "Set up two-factor sign-in", m);
}

void site::show_security(const call_ptr& c) {
    if (const auto who = require_person(c)) security_page(c, *who, {});
}

void site::begin_two_factor(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    const auto begun = parts_.audit.together(
        [&] { return parts_.factors.begin(who->person.id); },
        [&](const secret&) { return event_of(c, who->person, "two_factor.begun").about(who->person.email); });
    if (!begun && begun.error().code != errc::already_exists) return c->fail(begun.error());
    c->redirect("/account/security");
}

void site::show_recovery_codes(const call_ptr& c, const signed_in_person& who, const std::vector<secret>& codes) {
    markup m;
    add_notice(m, "Two-factor sign-in is on");
    m.raw(
        "<p>Keep these codes where you find them without your phone. Each works once, and they are not shown again."
        "</p><ul class=\"plain\">");
    for (const auto& code : codes)
        m.raw("<li><code>").text(code.reveal()).raw("</code></li>");
    m.raw("</ul><p><a href=\"/account/security\">I have kept them</a></p>");
    show_page(c, who, "/account/security", "Your recovery codes", m);
}

void site::confirm_two_factor(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who || !guard_.take_sign_in(c, who->person.email)) return;
    std::vector<secret> codes;
    bool right = false;
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        const auto confirmed = parts_.factors.confirm(who->person.id, fields.value("code"), codes);
        if (!confirmed) return confirmed.error();
        right = *confirmed;
        if (!right) return {};
        return parts_.audit.append(event_of(c, who->person, "two_factor.on").about(who->person.email));
    });
    if (!stored) return c->fail(stored.error());
    if (!right) return security_page(c, *who, "That code is wrong. Is the clock of your phone right?");
    guard_.give_back_sign_in(c, who->person.email);
    show_recovery_codes(c, *who, codes);
}

void site::renew_recovery_codes(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who || !guard_.take_sign_in(c, who->person.email)) return;
    std::vector<secret> codes;
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        const auto accepted = parts_.factors.accept(who->person.id, fields.value("code"));
        if (!accepted) return accepted.error();
        if (!*accepted) return {};
        auto made = parts_.factors.renew_recovery_codes(who->person.id);
        if (!made) return made.error();
        codes = std::move(*made);
        return parts_.audit.append(event_of(c, who->person, "two_factor.codes_renewed").about(who->person.email));
    });
    if (!stored) return c->fail(stored.error());
    if (codes.empty()) return security_page(c, *who, "That code is wrong or was used before");
    guard_.give_back_sign_in(c, who->person.email);
    show_recovery_codes(c, *who, codes);
}

void site::end_two_factor(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who || !guard_.take_sign_in(c, who->person.email)) return;
    bool right = false;
    const auto stored = parts_.data.atomically([&]() -> outcome<void> {
        const auto accepted = parts_.factors.accept(who->person.id, fields.value("code"));
        if (!accepted) return accepted.error();
        right = *accepted;
        if (!right) return {};
        if (auto off = parts_.factors.turn_off(who->person.id); !off) return off;
        return parts_.audit.append(event_of(c, who->person, "two_factor.off").about(who->person.email));
    });
    if (!stored) return c->fail(stored.error());
    if (!right) return security_page(c, *who, "That code is wrong or was used before");
    guard_.give_back_sign_in(c, who->person.email);
    c->redirect("/account/security");
}

}  // namespace instatunnel::service
