#include "api.hpp"
#include "form_body.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "link_pages.hpp"
#include "password_reset.hpp"

namespace instatunnel::service {
namespace {

void reply_page(const call_ptr& c, std::string html) {
    c->reply_page(page_fields(), std::move(html));
}

}  // namespace

// Opening a page changes nothing: programs that look into mails open links as well.
void api::show_reset_page(const call_ptr& c) {
    const form_body query(c->request.query);
    const auto& domain = parts_.options.domain;
    const auto token = query.value("token").reveal();
    std::optional<api_error> error;
    (void)owner_of_link(store::token_kind::password_reset, token, error);
    reply_page(c, error ? trouble_page(domain, error->message) : reset_page(domain, token, {}));
}

void api::submit_reset_page(const call_ptr& c) {
    const form_body form(c->request.body.reveal());
    reset_wish wish;
    wish.token = form.value("token").clone();
    wish.password = form.value("password").clone();
    if (form.value("revoke_keys").reveal() == "all") wish.revoke = store::key_group::all;
    auto token = std::make_shared<secret>(wish.token.clone());
    reset_with(c, std::move(wish), [this, c, token](const reset_result& result) {
        const auto& domain = parts_.options.domain;
        if (!result.error) return reply_page(c, password_changed_page(domain, result.revoked));
        // Another password may do; another try with a dead link will not.
        if (result.error->field == "password")
            return reply_page(c, reset_page(domain, token->reveal(), result.error->message));
        reply_page(c, trouble_page(domain, result.error->message));
    });
}

void api::show_verify_page(const call_ptr& c) {
    const form_body query(c->request.query);
    const auto& domain = parts_.options.domain;
    const auto token = query.value("token").reveal();
    std::optional<api_error> error;
    (void)owner_of_link(store::token_kind::email_verification, token, error);
    reply_page(c, error ? trouble_page(domain, error->message) : verify_page(domain, token));
}

void api::submit_verify_page(const call_ptr& c) {
    const form_body form(c->request.body.reveal());
    const auto& domain = parts_.options.domain;
    const auto error = verify_with(c, form.value("token").reveal());
    reply_page(c, error ? trouble_page(domain, error->message) : verified_page(domain));
}

}  // namespace instatunnel::service
