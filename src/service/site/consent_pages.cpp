#include "../form_fields.hpp"
#include "../oauth_routes.hpp"
#include "instatunnel/oauth/authorization.hpp"
#include "instatunnel/oauth/client_document.hpp"
#include "scope_words.hpp"
#include "site.hpp"

namespace instatunnel::service {
namespace {

std::string host_of(std::string_view address) {
    const auto at = address.find("://");
    if (at == std::string_view::npos) return std::string(address.substr(0, address.find(':')));
    const auto rest = address.substr(at + 3);
    return std::string(rest.substr(0, rest.find_first_of("/?#")));
}

bool is_on_this_computer(std::string_view redirect) {
    const auto host = host_of(redirect);
    return redirect.starts_with("http://") || host == "localhost";
}

api_error mistake_of_app(const std::string& what) {
    api_error error;
    error.status = 400;
    error.message = "The app that sent you here made a mistake. " + what + (what.ends_with('.') ? "" : ".") +
                    " Nothing was allowed; tell whoever makes the app";
    return error;
}

void add_where_to(markup& m, const oauth::authorization_request& request) {
    m.raw("<p class=\"soft\">");
    if (is_on_this_computer(request.redirect_uri))
        m.raw("The answer goes to a program on this computer. Go on only if you have just started it.");
    else
        m.raw("The answer goes to <strong>").text(host_of(request.redirect_uri)).raw("</strong>.");
    if (request.client.origin == store::client_origin::document)
        m.raw(" The app says of itself that it is <strong>").text(host_of(request.client.id)).raw("</strong>.");
    if (request.client.origin == store::client_origin::dynamic)
        m.raw(" The app registered itself: nobody has checked that its name is right.");
    m.raw("</p>");
}

}  // namespace

void add_scopes(markup& m, const std::vector<std::string>& scopes) {
    m.raw("<ul class=\"plain\">");
    for (const auto scope : expand_scopes(scopes))
        m.raw("<li>").text(words_for_scope(scope)).raw(" <span class=\"soft mono\">").text(scope).raw("</span></li>");
    m.raw("</ul>");
}

std::string site::form_target_of(std::string_view next) {
    const auto question = next.find('?');
    if (question == std::string_view::npos || next.find("/oauth/authorize") == std::string_view::npos) return {};
    const auto read = parts_.oauth.authorization.read(form_fields(next.substr(question + 1)));
    if (!read) return {};
    if (const auto* request = std::get_if<oauth::authorization_request>(&*read))
        return source_of(request->redirect_uri);
    if (const auto* refusal = std::get_if<oauth::redirected_refusal>(&*read)) return source_of(refusal->location);
    return {};
}

std::optional<oauth::authorization_request> site::read_request(const call_ptr& c) {
    const auto query = form::parse(c->request.query);
    auto read = query ? parts_.oauth.authorization.read(*query)
                      : outcome<oauth::read_request>(oauth::unsafe_request{"The address of the request is damaged."});
    if (!read) {
        c->fail(read.error());
        return std::nullopt;
    }
    if (auto* request = std::get_if<oauth::authorization_request>(&*read)) return std::move(*request);
    if (const auto* refusal = std::get_if<oauth::redirected_refusal>(&*read)) {
        c->redirect(refusal->location);
        return std::nullopt;
    }
    c->fail(mistake_of_app(std::get<oauth::unsafe_request>(*read).description));
    return std::nullopt;
}

// An app that describes itself by an address is looked up there, but only for somebody who is signed in.
void site::show_consent(const call_ptr& c) {
    const auto client_id = std::string(form_fields(c->request.query).value("client_id"));
    if (!oauth::is_client_document_id(client_id)) return ask_consent(c);
    if (!require_person(c)) return;
    parts_.documents.prepare(client_id, [this, c](const std::string& problem) {
        if (problem.empty()) return ask_consent(c);
        c->fail(mistake_of_app(problem));
    });
}

void site::ask_consent(const call_ptr& c) {
    const auto request = read_request(c);
    if (!request) return;
    const auto who = require_person(c);
    if (!who) return;
    if (!parts_.visitors.may_consent(who->person, request->resource)) return show_not_invited(c, *who, *request);
    const auto granted = parts_.oauth.authorization.is_granted(who->person, *request);
    if (!granted) return c->fail(granted.error());
    if (*granted) return send_code(c, who->person, *request, /*asked=*/false);

    const auto here = c->request.path + "?" + c->request.query;
    const auto token = parts_.sessions.form_token(*c);
    markup m;
    m.raw("<p><strong>").text(request->client.name).raw("</strong> wants to use your account at ");
    m.text(parts_.options.domain).raw(". It would be able to:</p>");
    add_scopes(m, request->scopes);
    if (!request->resource.empty())
        m.raw("<p>Only for <code>")
            .text(request->resource)
            .raw("</code>. Whoever runs the program behind it is told your email address.</p>");
    add_where_to(m, *request);
    m.raw("<form method=\"post\" action=\"").text(here).raw("\">").hidden("csrf", token);
    m.raw(
        "<div class=\"buttons\"><button name=\"decision\" value=\"allow\">Allow</button>"
        "<button name=\"decision\" value=\"deny\" class=\"quiet\">No</button></div></form>");
    m.raw("<form method=\"post\" action=\"/sign-out\">").hidden("csrf", token).hidden("next", here);
    m.raw("<small>Signed in as ").text(who->person.email);
    m.raw(
        ". You can take this back at any time under <a href=\"/account/apps\">Apps</a>.</small>"
        "<div class=\"buttons\"><button class=\"quiet\">Use another account</button></div></form>");
    show_small(c, "Allow " + request->client.name + "?", m, 200, source_of(request->redirect_uri));
}

void site::show_not_invited(const call_ptr& c, const signed_in_person& who,
                            const oauth::authorization_request& request) {
    markup m;
    m.raw("<p>The owner of <code>").text(request.resource).raw("</code> has not named <strong>");
    m.text(who.person.email).raw("</strong> as somebody who may use the MCP server there.</p>");
    m.raw("<p class=\"soft\">They can do so with <code>--mcp-allow-user</code>. Your address must be confirmed.</p>");
    m.raw("<form method=\"post\" action=\"/sign-out\">").hidden("csrf", parts_.sessions.form_token(*c));
    m.hidden("next", c->request.path + "?" + c->request.query);
    m.raw("<div class=\"buttons\"><button>Use another account</button></div></form>");
    show_small(c, "This server is not open to you", m, 403);
}

void site::submit_consent(const call_ptr& c) {
    const auto request = read_request(c);
    if (!request) return;
    form fields;
    const auto who = require_form(c, fields);
    if (!who) return;
    if (!parts_.visitors.may_consent(who->person, request->resource)) return show_not_invited(c, *who, *request);
    if (fields.value("decision") == "allow") return send_code(c, who->person, *request, /*asked=*/true);
    parts_.audit.note(event_of(c, who->person, "oauth.consent_denied").about(request->client.id).refused("denied"));
    c->redirect(parts_.oauth.authorization.deny(*request));
}

void site::send_code(const call_ptr& c, const store::user& person, const oauth::authorization_request& request,
                     bool asked) {
    const auto location =
        parts_.audit.together([&] { return parts_.oauth.authorization.approve(person, request); },
                              [&](const std::string&) {
                                  return event_of(c, person, asked ? "oauth.consent_given" : "oauth.consent_remembered")
                                      .about(request.client.id)
                                      .with("client", request.client.name)
                                      .with("scope", scope_text(request.scopes));
                              });
    if (!location) return c->fail(location.error());
    c->redirect(*location);
}

}  // namespace instatunnel::service
