#include "credentials_body.hpp"

#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/password_rules.hpp"
#include "json_body.hpp"

namespace instatunnel::service {
namespace {

constexpr const char* default_label = "CLI login";

}  // namespace

credentials read_credentials(const call& c, needs_password password) {
    json_body body(c.request.body.reveal());
    credentials given;
    const auto email = body.required_text("email");
    given.password =
        password == needs_password::yes ? body.required_secret("password") : body.optional_secret("password");
    given.code = body.optional_secret("otp");
    given.label = body.text("name").value_or(default_label);
    given.invite = body.text("invite");
    given.error = body.error();
    if (given.error) return given;
    if (const auto address = auth::normalise_email(email))
        given.email = *address;
    else
        given.error = wrong_value("email", "That is not an email address");
    if (!auth::is_display_name(given.label))
        given.error = wrong_value("name", "\"name\" must have 1 to 120 bytes and no control characters");
    return given;
}

std::optional<api_error> check_new_password(const secret& password, std::string_view email, std::string_view domain,
                                            const char* field) {
    auto reason = auth::why_not_usable(password, auth::password_context(email, domain));
    if (!reason) return std::nullopt;
    return wrong_value(field, std::move(*reason));
}

}  // namespace instatunnel::service
