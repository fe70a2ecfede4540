#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "../call_guard.hpp"
#include "instatunnel/oauth/server.hpp"
#include "page_frame.hpp"
#include "web_sessions.hpp"

namespace instatunnel::oidc {
struct identity;
}

namespace instatunnel::service {

/// The pages for people: sign-in, consent to apps, devices, and the account area. On the service's thread. Every form
/// carries a token (see web_sessions); what changes something is a POST and answers with a redirect or a page.
class site {
public:
    /// All outlive the site.
    site(const api_parts& parts, call_guard& guard) : parts_(parts), guard_(guard) {}

    // sign_in_pages.cpp:
    void show_sign_in(const call_ptr& c);
    void submit_sign_in(const call_ptr& c);
    void submit_code(const call_ptr& c);
    void sign_out(const call_ptr& c);
    // provider_pages.cpp:
    void begin_provider(const call_ptr& c);
    void finish_provider(const call_ptr& c);
    // consent_pages.cpp:
    void show_consent(const call_ptr& c);
    void submit_consent(const call_ptr& c);
    // device_pages.cpp:
    void show_device(const call_ptr& c);
    void submit_device(const call_ptr& c);
    // account_pages.cpp:
    void show_account(const call_ptr& c);
    void show_devices(const call_ptr& c);
    void end_session(const call_ptr& c);
    void show_apps(const call_ptr& c);
    void revoke_app(const call_ptr& c);
    void show_events(const call_ptr& c);
    // key_pages.cpp:
    void show_keys(const call_ptr& c);
    void create_key(const call_ptr& c);
    void rotate_key(const call_ptr& c);
    void revoke_key(const call_ptr& c);
    // security_pages.cpp:
    void show_security(const call_ptr& c);
    void begin_two_factor(const call_ptr& c);
    void confirm_two_factor(const call_ptr& c);
    void renew_recovery_codes(const call_ptr& c);
    void end_two_factor(const call_ptr& c);

    /// Every error of a page is a page.
    void show_error(call& c, const api_error& error);

private:
    /// The one who is signed in; sends others to the sign-in page and back, and is nullopt then.
    std::optional<signed_in_person> require_person(const call_ptr& c);
    /// The same for a form that came back; a form that is not ours is refused.
    std::optional<signed_in_person> require_form(const call_ptr& c, form& fields);
    bool check_form(const call_ptr& c, const form& fields);

    void show_small(const call_ptr& c, std::string_view title, const markup& content, int status = 200,
                    std::string_view form_target = {});
    void show_page(const call_ptr& c, const signed_in_person& who, std::string_view path, std::string_view title,
                   const markup& content);
    audit_event event_of(const call_ptr& c, const store::user& person, std::string_view action) const;

    void sign_in_form(const call_ptr& c, const std::string& next, std::string_view email, std::string_view problem,
                      int status = 200);
    void code_form(const call_ptr& c, const std::string& next, const std::string& ticket, std::string_view problem,
                   int status = 200);
    void after_password(const call_ptr& c, const store::user& person, const std::string& next);
    void finish_sign_in(const call_ptr& c, const store::user& person, const std::string& next);
    std::string make_ticket(const call_ptr& c, const store::user& person) const;
    std::optional<store::user> open_ticket(const call_ptr& c, std::string_view ticket);

    void provider_failed(const call_ptr& c, const failure& why);
    void admit_identity(const call_ptr& c, const oidc::identity& who, const std::string& next);
    outcome<store::user> person_of(const call_ptr& c, const oidc::identity& who);
    store::user new_person(const oidc::identity& who) const;
    outcome<store::user> link_identity(const call_ptr& c, const oidc::identity& who, const store::user& person,
                                       bool is_new);

    std::optional<oauth::authorization_request> read_request(const call_ptr& c);
    std::string form_target_of(std::string_view next);
    void ask_consent(const call_ptr& c);
    void show_not_invited(const call_ptr& c, const signed_in_person& who, const oauth::authorization_request& request);
    void send_code(const call_ptr& c, const store::user& person, const oauth::authorization_request& request,
                   bool asked);

    void confirm_device(const call_ptr& c, const store::device_request& request, const signed_in_person& who);
    void device_form(const call_ptr& c, std::string_view code, std::string_view problem, int status = 200);
    bool take_device_try(const call_ptr& c, const store::user& person);

    void show_new_key(const call_ptr& c, const signed_in_person& who, std::string_view title, const secret& key);
    void keys_page(const call_ptr& c, const signed_in_person& who, std::string_view problem);
    void security_page(const call_ptr& c, const signed_in_person& who, std::string_view problem);
    void show_recovery_codes(const call_ptr& c, const signed_in_person& who, const std::vector<secret>& codes);

    const api_parts& parts_;
    call_guard& guard_;
};

/// The list of what permissions mean.
void add_scopes(markup& m, const std::vector<std::string>& scopes);

/// A place on these pages to go to after signing in; anything else is "/account" (no open redirect).
std::string safe_next(std::string_view next);

}  // namespace instatunnel::service
