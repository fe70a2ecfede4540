#include "link_pages.hpp"

#include "site/page_frame.hpp"

namespace instatunnel::service {

std::string reset_page(std::string_view domain, std::string_view token, std::string_view problem) {
    markup m;
    add_problem(m, problem);
    m.raw("<form method=\"post\" action=\"/auth/reset\">").hidden("token", token);
    m.raw("<label for=\"password\">New password for ").text(domain).raw("</label>");
    m.raw(
        "<input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" minlength=\"8\" "
        "maxlength=\"1024\" required autofocus>");
    m.raw(
        "<label class=\"choice\"><input type=\"checkbox\" name=\"revoke_keys\" value=\"all\"> End all API "
        "keys</label>");
    m.raw("<div class=\"buttons\"><button>Save the password</button></div>");
    m.raw(
        "<small>At least 8 characters; a few words that do not belong together are good. API keys that signing in "
        "made end in any case, others stay unless you tick the box.</small></form>");
    return small_page(domain, "Choose a password", m);
}

std::string password_changed_page(std::string_view domain, std::size_t revoked_keys) {
    markup m;
    m.raw("<p>").text(std::to_string(revoked_keys)).raw(revoked_keys == 1 ? " API key has" : " API keys have");
    m.raw(" ended with the old one. You may close this page, or <a href=\"/sign-in\">sign in</a>.</p>");
    return small_page(domain, "The password is saved", m);
}

std::string verify_page(std::string_view domain, std::string_view token) {
    markup m;
    m.raw("<form method=\"post\" action=\"/auth/verify\">").hidden("token", token);
    m.raw("<p>Somebody made an account at ").text(domain).raw(" with this address. If that was you:</p>");
    m.raw("<div class=\"buttons\"><button>Yes, it is mine</button></div></form>");
    return small_page(domain, "Confirm your email address", m);
}

std::string verified_page(std::string_view domain) {
    return small_page(domain, "Your address is confirmed", markup().raw("<p>You may close this page.</p>"));
}

std::string trouble_page(std::string_view domain, std::string_view problem) {
    markup m;
    add_problem(m, problem);
    return small_page(domain, "That did not work", m);
}

}  // namespace instatunnel::service
