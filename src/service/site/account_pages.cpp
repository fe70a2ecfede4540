#include <algorithm>
#include <charconv>
#include <span>

#include "../caller.hpp"
#include "scope_words.hpp"
#include "site.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t events_on_a_page = 50;

void add_row(markup& m, std::string_view term, std::string_view text) {
    m.raw("<dt>").raw(term).raw("</dt><dd>").text(text).raw("</dd>");
}

void add_time(markup& m, const std::optional<wall_time>& t) {
    if (t)
        m.time(*t);
    else
        m.raw("never");
}

void add_time_row(markup& m, std::string_view term, const std::optional<wall_time>& t) {
    m.raw("<dt>").raw(term).raw("</dt><dd>");
    add_time(m, t);
    m.raw("</dd>");
}

// "Chrome on Linux", or the beginning of what the browser calls itself.
std::string short_agent(std::string_view agent) {
    struct row {
        std::string_view mark, name;
    };
    // The first that fits: browsers name their ancestors as well.
    constexpr row browsers[] = {
        {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}};
    constexpr row systems[] = {{"Android", "Android"}, {"iPhone", "iPhone"},  {"iPad", "iPad"},
                               {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"}};
    const auto find = [agent](std::span<const row> rows) -> std::string_view {
        for (const auto& [mark, name] : rows)
            if (agent.find(mark) != std::string_view::npos) return name;
        return {};
    };
    const auto browser = find(browsers);
    if (browser.empty()) return agent.empty() ? std::string("A browser") : std::string(agent.substr(0, 60));
    const auto system = find(systems);
    return std::string(browser) + (system.empty() ? "" : " on " + std::string(system));
}

// A button that is a form of its own: what it does cannot be done by a link.
void add_button(markup& m, std::string_view action, std::string_view csrf, std::string_view name,
                std::string_view value, std::string_view label, std::string_view about) {
    m.raw("<form class=\"inline\" method=\"post\" action=\"").raw(action).raw("\">").hidden("csrf", csrf);
    m.hidden(name, value).raw("<button class=\"danger\" aria-label=\"").text(label).raw(" ").text(about);
    m.raw("\">").text(label).raw("</button></form>");
}

void add_session_row(markup& m, const store::web_session& session, bool own, const std::string& csrf) {
    const auto agent = short_agent(session.agent);
    m.raw("<tr><td>").text(agent);
    m.raw(own ? " <strong>(this one)</strong>" : "").raw("</td><td>").text(session.address).raw("</td><td>");
    m.time(session.created_at).raw("</td><td>").time(session.last_seen_at).raw("</td><td>");
    if (!own) add_button(m, "/account/devices/end", csrf, "session", session.id, "Sign out", agent);
    m.raw("</td></tr>");
}

}  // namespace

void site::show_account(const call_ptr& c) {
    const auto who = require_person(c);
    if (!who) return;
    if (auto flushed = parts_.usage.flush(parts_.data); !flushed) return c->fail(flushed.error());
    const auto usage = parts_.data.find_usage(who->person.account_id);
    if (!usage) return c->fail(usage.error());
    const auto factor = parts_.factors.is_on(who->person.id);
    if (!factor) return c->fail(factor.error());
    markup m;
    if (!who->person.verified_at && parts_.options.require_verified_email)
        add_problem(m, "Your email address is not confirmed yet: tunnels do not open. Look for our mail");
    m.raw("<dl>");
    add_row(m, "Email", who->person.email);
    add_row(m, "Name", who->person.name);
    add_row(m, "Plan", who->person.plan);
    add_time_row(m, "Account since", who->person.created_at);
    add_row(m, "Two-factor sign-in", *factor ? "on" : "off");
    add_row(m, "Tunnels created", std::to_string(usage->tunnels_created));
    add_row(m, "Requests served", std::to_string(usage->requests));
    m.raw("</dl>");
    if (!*factor)
        m.raw("<p><a href=\"/account/security\">Turn on two-factor sign-in</a>: a password alone can be stolen.</p>");
    m.raw("<h2>On the command line</h2><p><code>instatunnel login --server ").text(parts_.oauth.settings.issuer);
    m.raw("</code></p><p><code>instatunnel 3000 --subdomain my-app</code></p>");
    show_page(c, *who, "/account", "Your account", m);
}

void site::show_devices(const call_ptr& c) {
    const auto who = require_person(c);
    if (!who) return;
    const auto sessions = parts_.data.list_web_sessions(who->person.id);
    if (!sessions) return c->fail(sessions.error());
    (void)parts_.keys.flush_uses();
    const auto keys = parts_.data.list_keys(who->person.account_id);
    if (!keys) return c->fail(keys.error());
    const auto csrf = parts_.sessions.form_token(*c);
    markup m;
    m.raw(
        "<h2 id=\"browsers\">Browsers</h2><div class=\"scroll\" role=\"region\" aria-labelledby=\"browsers\" "
        "tabindex=\"0\"><table><thead><tr>"
        "<th scope=\"col\">Browser</th><th scope=\"col\">Address</th><th scope=\"col\">Signed in</th>"
        "<th scope=\"col\">Last seen</th><th scope=\"col\">Action</th></tr></thead><tbody>");
    for (const auto& session : *sessions)
        add_session_row(m, session, session.id == who->session.id, csrf);
    m.raw("</tbody></table></div>");
    if (sessions->size() > 1) {
        m.raw("<form method=\"post\" action=\"/account/devices/end\">")
            .hidden("csrf", csrf)
            .hidden("session", "others");
        m.raw("<div class=\"buttons\"><button class=\"danger\">Sign out all other browsers</button></div></form>");
    }
    m.raw(
        "<h2 id=\"commands\">Command lines</h2><div class=\"scroll\" role=\"region\" aria-labelledby=\"commands\" "
        "tabindex=\"0\"><table><thead><tr>"
        "<th scope=\"col\">Device</th><th scope=\"col\">Key</th><th scope=\"col\">Signed in</th>"
        "<th scope=\"col\">Last used</th><th scope=\"col\">Action</th></tr></thead><tbody>");
    for (const auto& key : *keys) {
        if (!key.by_sign_in) continue;
        m.raw("<tr><td>").text(key.name).raw("</td><td><code>it_***...").text(key.tail).raw("</code></td><td>");
        m.time(key.created_at).raw("</td><td>");
        add_time(m, key.last_used_at);
        m.raw("</td><td>");
        add_button(m, "/account/keys/revoke", csrf, "key", key.id, "Sign out", key.name);
        m.raw("</td></tr>");
    }
    m.raw("</tbody></table></div><p><a href=\"/device\">Sign in a device with a code</a></p>");
    show_page(c, *who, "/account/devices", "Devices", m);
}

void site::end_session(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    const std::string which(fields.value("session"));
    const auto ended = parts_.audit.together(
        [&] {
            return which == "others" ? parts_.data.remove_web_sessions(who->person.id, who->session.id)
                                     : parts_.data.remove_web_session(who->person.id, which);
        },
        [&] { return event_of(c, who->person, "session.ended").about(which); });
    if (!ended && ended.error().code != errc::not_found) return c->fail(ended.error());
    c->redirect("/account/devices");
}

void site::show_apps(const call_ptr& c) {
    const auto who = require_person(c);
    if (!who) return;
    const auto grants = parts_.data.list_grants(who->person.id);
    if (!grants) return c->fail(grants.error());
    const auto csrf = parts_.sessions.form_token(*c);
    markup m;
    if (grants->empty()) m.raw("<p>You have not allowed any app to use your account.</p>");
    for (const auto& grant : *grants) {
        m.raw("<section><h2>").text(grant.client_name).raw("</h2><dl>");
        add_time_row(m, "Allowed", grant.created_at);
        add_time_row(m, "Last used", grant.last_used_at);
        if (!grant.resource.empty()) add_row(m, "Only for", grant.resource);
        m.raw("</dl>");
        add_scopes(m, grant.scopes);
        add_button(m, "/account/apps/revoke", csrf, "grant", grant.id, "Take back", grant.client_name);
        m.raw("</section>");
    }
    show_page(c, *who, "/account/apps", "Apps that may use your account", m);
}

void site::revoke_app(const call_ptr& c) {
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    const auto grant = fields.value("grant");
    const auto ended = parts_.audit.together(
        [&] { return parts_.data.revoke_grant(who->person.id, grant, parts_.settings.now()); },
        [&](const auto& ids) {
            return event_of(c, who->person, "oauth.grant_revoked").about(grant).with("ended_tokens", ids.size());
        });
    if (!ended && ended.error().code != errc::not_found) return c->fail(ended.error());
    if (ended)
        for (const auto& id : *ended)
            end_caller(parts_, id);
    c->redirect("/account/apps");
}

void site::show_events(const call_ptr& c) {
    const auto who = require_person(c);
    if (!who) return;
    (void)parts_.audit.flush();
    const auto query = form::parse(c->request.query);
    const auto text = query ? query->value("before") : std::string_view();
    std::int64_t before = 0;
    std::from_chars(text.data(), text.data() + text.size(), before);
    store::audit_filter filter;
    filter.account_id = who->person.account_id;
    if (before > 0) filter.before = static_cast<std::uint64_t>(before);
    filter.newest_first = true;
    filter.limit = events_on_a_page;
    const auto records = parts_.data.list_audit(filter);
    if (!records) return c->fail(records.error());
    markup m;
    m.raw(
        "<div class=\"scroll\" role=\"region\" aria-label=\"Events\" tabindex=\"0\"><table><thead><tr>"
        "<th scope=\"col\">When</th><th scope=\"col\">What</th><th scope=\"col\">Result</th>"
        "<th scope=\"col\">On what</th><th scope=\"col\">From</th></tr></thead><tbody>");
    for (const auto& r : *records) {
        m.raw("<tr><td>").time(r.at).raw("</td><td>").text(r.action).raw("</td><td>").text(r.result);
        m.raw("</td><td>").text(r.target).raw("</td><td>").text(r.address).raw("</td></tr>");
    }
    m.raw("</tbody></table></div>");
    if (records->size() == events_on_a_page)
        m.raw("<p><a href=\"/account/events?before=").text(std::to_string(records->back().seq)).raw("\">Older</a></p>");
    show_page(c, *who, "/account/events", "What happened in your account", m);
}

}  // namespace instatunnel::service
