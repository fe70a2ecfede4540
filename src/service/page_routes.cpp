#include "api.hpp"
#include "form_fields.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "link_pages.hpp"
#include "password_reset.hpp"
#include "site/page_frame.hpp"

namespace instatunnel::service {
namespace {

void reply_page(const call_ptr& c, std::string html) {
    auto fields = page_fields();
    // The address holds the token of the link.
    for (auto& [name, value] : fields)
        if (name == "Referrer-Policy") value = "no-referrer";
    c->reply_page(200, fields, std::move(html));
}

}  // namespace

// Opening a page changes nothing: programs that look into mails open links as well.
void api::show_reset_page(const call_ptr& c) {
    const auto query = form_fields(c->request.query);
    const auto& domain = parts_.options.domain;
    const auto token = std::string(query.value("token"));
    std::optional<api_error> error;
    (void)owner_of_link(store::token_kind::password_reset, token, error);
    reply_page(c, error ? trouble_page(domain, error->message) : reset_page(domain, token, {}));
}

void api::submit_reset_page(const call_ptr& c) {
    const auto fields = form_fields(c->request.body.reveal());
    reset_wish wish;
    wish.token = secret(std::string(fields.value("token")));
    wish.password = secret(std::string(fields.value("password")));
    if (fields.value("revoke_keys") == "all") wish.revoke = store::key_group::all;
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
    const auto query = form_fields(c->request.query);
    const auto& domain = parts_.options.domain;
    const auto token = std::string(query.value("token"));
    std::optional<api_error> error;
    (void)owner_of_link(store::token_kind::email_verification, token, error);
    reply_page(c, error ? trouble_page(domain, error->message) : verify_page(domain, token));
}

void api::submit_verify_page(const call_ptr& c) {
    const auto fields = form_fields(c->request.body.reveal());
    const auto& domain = parts_.options.domain;
    const auto error = verify_with(c, fields.value("token"));
    reply_page(c, error ? trouble_page(domain, error->message) : verified_page(domain));
}

}  // namespace instatunnel::service
