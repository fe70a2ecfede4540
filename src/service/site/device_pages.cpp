#include "../oauth_routes.hpp"
#include "scope_words.hpp"
#include "site.hpp"

namespace instatunnel::service {
namespace {

api_error too_many_codes(std::chrono::seconds wait) {
    api_error error;
    error.status = 429;
    error.message = "Too many codes were tried";
    error.retry_after = wait;
    return error;
}

}  // namespace

bool site::take_device_try(const call_ptr& c, const store::user& person) {
    const auto wait =
        parts_.account_rates.take_device_code(person.id, c->request.remote_address, parts_.settings.steady());
    if (!wait) return true;
    parts_.audit.note_seldom(event_of(c, person, "oauth.device_code_guessed").refused("rate_limited"), person.id);
    c->fail(too_many_codes(*wait));
    return false;
}

void site::device_form(const call_ptr& c, std::string_view code, std::string_view problem, int status) {
    markup m;
    add_problem(m, problem);
    m.raw("<form method=\"post\" action=\"/device\">").hidden("csrf", parts_.sessions.form_token(*c));
    m.raw(
         "<label for=\"code\">Code that your device shows</label><input id=\"code\" name=\"user_code\" type=\"text\" "
         "class=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"20\" "
         "placeholder=\"WDJB-MJHT\" required autofocus value=\"")
        .text(code);
    m.raw(
        "\"><div class=\"buttons\"><button>Go on</button></div></form>"
        "<small>Go on only if you have just started to sign in on a device of your own. Nobody of this service asks "
        "you for such a code.</small>");
    show_small(c, "Sign in a device", m, status);
}

void site::show_device(const call_ptr& c) {
    const auto who = require_person(c);
    if (!who) return;
    // Whatever a link brings is only filled in: somebody else may have sent it (RFC 8628 §5.4).
    const auto query = form::parse(c->request.query);
    device_form(c, query ? query->value("user_code").substr(0, 20) : std::string_view(), {});
}

void site::submit_device(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who || !take_device_try(c, who->person)) return;
    const auto found = parts_.oauth.devices.find(fields.value("user_code"));
    if (!found) return c->fail(found.error());
    if (!*found) return device_form(c, {}, "This code is not known, or too old. Look at the device again", 422);
    const auto& request = **found;
    const auto decision = fields.value("decision");
    if (decision.empty()) return confirm_device(c, request, *who);

    const bool allowed = decision == "allow";
    const auto client = parts_.oauth.clients.find(request.client_id);
    if (!client) return c->fail(client.error());
    if (!*client) return device_form(c, {}, "The app that asked is not known any more", 422);
    const auto decided = parts_.audit.together(
        [&] {
            return allowed ? parts_.oauth.devices.approve(request, **client, who->person)
                           : parts_.oauth.devices.deny(request, who->person);
        },
        [&] {
            auto event = event_of(c, who->person, allowed ? "oauth.device_allowed" : "oauth.device_denied");
            return event.about(request.client_id).with("device", request.address);
        });
    if (!decided) return c->fail(decided.error());
    markup m;
    if (allowed)
        m.raw(
            "<p>Your device is signing in now. You may close this page.</p>"
            "<p><a href=\"/account/devices\">Your devices</a></p>");
    else
        m.raw("<p>The device was refused. You may close this page.</p>");
    show_small(c, allowed ? "Done" : "Refused", m);
}

void site::confirm_device(const call_ptr& c, const store::device_request& request, const signed_in_person& who) {
    markup m;
    m.raw("<p><strong>")
        .text(request.client_name)
        .raw("</strong>, on another device, asks to use your account.</p><dl>");
    m.raw("<dt>Its address</dt><dd>").text(request.address).raw("</dd><dt>Asked at</dt><dd>");
    m.time(request.created_at).raw("</dd><dt>You are</dt><dd>").text(who.person.email);
    m.raw("</dd></dl><p>It would be able to:</p>");
    add_scopes(m, request.scopes);
    if (!request.resource.empty()) m.raw("<p>Only for <code>").text(request.resource).raw("</code>.</p>");
    m.raw("<form method=\"post\" action=\"/device\">").hidden("csrf", parts_.sessions.form_token(*c));
    const auto typed = form::parse(c->request.body.reveal());
    m.hidden("user_code", typed ? typed->value("user_code") : std::string_view());
    m.raw(
        "<div class=\"buttons\"><button name=\"decision\" value=\"allow\">Allow</button>"
        "<button name=\"decision\" value=\"deny\" class=\"quiet\">No, that is not mine</button></div></form>");
    show_small(c, "Is this your device?", m);
}

}  // namespace instatunnel::service
