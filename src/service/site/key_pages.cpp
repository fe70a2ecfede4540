#include "../caller.hpp"
#include "../oauth_routes.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "scope_words.hpp"
#include "site.hpp"

namespace instatunnel::service {
namespace {

struct life {
    std::string_view value;
    std::string_view label;
    std::chrono::hours time;
};
constexpr life lives[] = {
    {"", "Never", std::chrono::hours(0)},
    {"30", "In 30 days", std::chrono::hours(30 * 24)},
    {"90", "In 90 days", std::chrono::hours(90 * 24)},
    {"365", "In a year", std::chrono::hours(365 * 24)},
};

void add_key_form(markup& m, const std::string& csrf) {
    m.raw("<h2>New key</h2><form method=\"post\" action=\"/account/keys\">").hidden("csrf", csrf);
    m.raw(
        "<label for=\"name\">Name</label><input id=\"name\" name=\"name\" type=\"text\" maxlength=\"120\" required "
        "placeholder=\"CI of the shop\"><label for=\"life\">Ends</label><select id=\"life\" name=\"life\">");
    for (const auto& l : lives)
        m.raw("<option value=\"").raw(l.value).raw("\">").raw(l.label).raw("</option>");
    m.raw("</select><fieldset><legend>May</legend><div class=\"choices\">");
    for (const auto scope : auth::all_scopes()) {
        const bool usual = scope == "tunnels:read" || scope == "tunnels:write";
        m.raw("<label class=\"choice\"><input type=\"checkbox\" name=\"scope\" value=\"").text(scope).raw("\"");
        m.raw(usual ? " checked" : "").raw("><span>").text(words_for_scope(scope)).raw("</span></label>");
    }
    m.raw("</div></fieldset><div class=\"buttons\"><button>Make the key</button></div></form>");
}

void add_key_button(markup& m, std::string_view action, const std::string& csrf, const store::api_key& key,
                    std::string_view label) {
    m.raw("<form class=\"inline\" method=\"post\" action=\"").raw(action).raw("\">").hidden("csrf", csrf);
    m.hidden("key", key.id).raw("<button class=\"").raw(label == "Revoke" ? "danger" : "quiet");
    m.raw("\" aria-label=\"").text(label).raw(" ").text(key.name).raw("\">").raw(label).raw("</button></form> ");
}

// The fields of the form with the name `scope`, of which each ticked box is one.
std::vector<std::string> ticked_scopes(const form& fields) {
    std::vector<std::string> scopes;
    for (const auto value : fields.all("scope"))
        if (auth::is_scope_pattern(value)) scopes.emplace_back(value);
    return scopes;
}

}  // namespace

void site::keys_page(const call_ptr& c, const signed_in_person& who, std::string_view problem) {
    (void)parts_.keys.flush_uses();
    const auto keys = parts_.data.list_keys(who.person.account_id);
    if (!keys) return c->fail(keys.error());
    const auto csrf = parts_.sessions.form_token(*c);
    markup m;
    add_problem(m, problem);
    m.raw(
        "<div class=\"scroll\" role=\"region\" aria-label=\"API keys\" tabindex=\"0\"><table><thead><tr>"
        "<th scope=\"col\">Name</th><th scope=\"col\">Key</th><th scope=\"col\">May</th><th scope=\"col\">Made</th>"
        "<th scope=\"col\">Last used</th><th scope=\"col\">Ends</th><th scope=\"col\">Action</th></tr></thead><tbody>");
    for (const auto& key : *keys) {
        const bool all = expand_scopes(key.scopes).size() == auth::all_scopes().size();
        m.raw("<tr><td>").text(key.name).raw("</td><td><code>it_***...").text(key.tail).raw("</code></td><td>");
        m.text(all ? std::string("everything") : scope_text(key.scopes)).raw("</td><td>");
        m.time(key.created_at).raw("</td><td>");
        for (const auto& when : {key.last_used_at, key.expires_at}) {
            if (when)
                m.time(*when);
            else
                m.raw("never");
            m.raw("</td><td>");
        }
        if (!key.replaced_by) add_key_button(m, "/account/keys/rotate", csrf, key, "Replace");
        add_key_button(m, "/account/keys/revoke", csrf, key, "Revoke");
        m.raw("</td></tr>");
    }
    m.raw("</tbody></table></div>");
    add_key_form(m, csrf);
    show_page(c, who, "/account/keys", "API keys", m);
}

void site::show_keys(const call_ptr& c) {
    if (const auto who = require_person(c)) keys_page(c, *who, {});
}

void site::show_new_key(const call_ptr& c, const signed_in_person& who, std::string_view title, const secret& key) {
    markup m;
    add_notice(m, "Copy the key now: it is not shown again");
    m.raw("<code class=\"secret\" tabindex=\"0\" aria-label=\"New API key\">").text(key.reveal()).raw("</code>");
    m.raw(
        "<p>On a command line: <code>instatunnel auth set-key</code>, then paste it. For CI: set "
        "<code>INSTATUNNEL_API_KEY</code>.</p><p><a href=\"/account/keys\">I have copied it</a></p>");
    show_page(c, who, "/account/keys", title, m);
}

void site::create_key(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    key_spec spec;
    spec.name = fields.value("name");
    spec.scopes = ticked_scopes(fields);
    if (!auth::is_display_name(spec.name)) return keys_page(c, *who, "The name must have 1 to 120 characters");
    if (spec.scopes.empty()) return keys_page(c, *who, "Choose what the key may do");
    for (const auto& l : lives)
        if (l.value == fields.value("life") && l.time.count() > 0) spec.expires_at = parts_.settings.now() + l.time;
    const auto made =
        parts_.audit.together([&] { return parts_.keys.issue(who->person.account_id, who->person.id, spec); },
                              [&](const made_key& key) {
                                  return event_of(c, who->person, "key.created")
                                      .about(key.record.id)
                                      .with("name", spec.name)
                                      .with("permissions", scope_text(spec.scopes))
                                      .with("expires_at", spec.expires_at ? to_rfc3339(*spec.expires_at) : "never");
                              });
    if (!made) return c->fail(made.error());
    show_new_key(c, *who, "Your new key", made->key);
}

void site::rotate_key(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    const auto old = parts_.keys.find(who->person.account_id, std::string(fields.value("key")));
    if (!old)
        return old.error().code == errc::not_found ? keys_page(c, *who, "That key is gone") : c->fail(old.error());
    const auto made = parts_.audit.together(
        [&] { return parts_.keys.rotate(*old, std::chrono::seconds(0)); },
        [&](const rotated_key& rotated) {
            return event_of(c, who->person, "key.rotated").about(old->id).with("replaced_by", rotated.next.record.id);
        });
    if (!made) return keys_page(c, *who, "That key was replaced or revoked before");
    end_caller(parts_, old->id);
    show_new_key(c, *who, "The key that takes its place", made->next.key);
}

void site::revoke_key(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    const std::string id(fields.value("key"));
    const auto revoked = parts_.audit.together([&] { return parts_.keys.revoke(who->person.account_id, id); },
                                               [&] { return event_of(c, who->person, "key.revoked").about(id); });
    if (!revoked && revoked.error().code != errc::not_found) return c->fail(revoked.error());
    if (revoked) end_caller(parts_, id);
    c->redirect("/account/keys");
}

}  // namespace instatunnel::service
