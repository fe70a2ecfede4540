#include "site.hpp"

#include "../form_fields.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::service {
namespace {

api_error not_our_form() {
    api_error error;
    error.status = 403;
    error.message =
        "This form did not come from this site, or is from before you signed in. Go back, load the page again and "
        "send it once more";
    return error;
}

}  // namespace

std::string safe_next(std::string_view next) {
    constexpr std::string_view places[] = {"/account", "/device", "/oauth/authorize", "/v1/oauth/authorize"};
    constexpr std::size_t longest = 8192;
    for (const auto place : places) {
        const bool inside = next.starts_with(place) &&
                            (next.size() == place.size() || next[place.size()] == '?' || next[place.size()] == '/');
        const bool plain = next.find_first_of("\\\r\n") == std::string_view::npos && next.size() <= longest;
        if (inside && plain && next.find("..") == std::string_view::npos) return std::string(next);
    }
    return "/account";
}

void site::show_small(const call_ptr& c, std::string_view title, const markup& content, int status,
                      std::string_view form_target) {
    c->reply_page(status, page_fields(form_target), small_page(parts_.options.domain, title, content));
}

void site::show_page(const call_ptr& c, const signed_in_person& who, std::string_view path, std::string_view title,
                     const markup& content) {
    const auto token = parts_.sessions.form_token(*c);
    c->reply_page(200, page_fields(),
                  account_page({parts_.options.domain, who.person.email, token, path}, title, content));
}

void site::show_error(call& c, const api_error& error) {
    markup m;
    add_problem(m, error.message);
    if (const auto wait = std::to_string(error.retry_after.count()); wait != "0") {
        m.raw("<p>Try again in ").text(wait).raw(" seconds.</p>");
        c.added.emplace_back("Retry-After", wait);
    }
    const bool owner_decides = error.status == 429 || error.status == 403;
    if (owner_decides && !c.support.empty()) m.raw("<p>Help: ").text(c.support).raw("</p>");
    m.raw("<p><a href=\"/account\">To your account</a></p>");
    c.reply_page(error.status, page_fields(), small_page(parts_.options.domain, "That did not work", m));
}

std::optional<signed_in_person> site::require_person(const call_ptr& c) {
    auto found = parts_.sessions.find(*c);
    if (!found) {
        c->fail(found.error());
        return std::nullopt;
    }
    if (*found) {
        c->person = (*found)->person.id;
        return std::move(*found);
    }
    auto here = c->request.path;
    if (!c->request.query.empty()) here += "?" + c->request.query;
    c->redirect("/sign-in?next=" + percent_encode(here));
    return std::nullopt;
}

bool site::check_form(const call_ptr& c, const form& fields) {
    if (parts_.sessions.is_ours(*c, fields, parts_.oauth.settings.issuer)) return true;
    parts_.audit.note_seldom(guard_.event(c, "form.refused").about(c->pattern).refused("foreign_form"),
                             c->request.remote_address);
    c->fail(not_our_form());
    return false;
}

std::optional<signed_in_person> site::require_form(const call_ptr& c, form& fields) {
    fields = form_fields(c->request.body.reveal());
    auto found = parts_.sessions.find(*c);
    if (!found) {
        c->fail(found.error());
        return std::nullopt;
    }
    if (!*found) {
        c->redirect("/sign-in");
        return std::nullopt;
    }
    if (!check_form(c, fields)) return std::nullopt;
    c->person = (*found)->person.id;
    return std::move(*found);
}

audit_event site::event_of(const call_ptr& c, const store::user& person, std::string_view action) const {
    return guard_.event(c, action).by(actor_kind::user, person.id).of(person.account_id);
}

}  // namespace instatunnel::service
