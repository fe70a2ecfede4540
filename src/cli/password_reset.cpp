#include "password_reset.hpp"

#include "credentials.hpp"
#include "instatunnel/api/auth_client.hpp"
#include "instatunnel/base/names.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {

outcome<exit_code> run_password_reset(const password_reset_options& options, context& c) {
    const auto place = resolve(c, key_need::none);
    if (!place) return place.error();
    std::string email(trim(options.email));
    if (email.empty()) email = place->profile.stored.email;
    if (email.empty())
        return failure(errc::usage, "An email is needed",
                       "Write it like: instatunnel auth password reset -e you@example.com");
    auto http = c.make_http(place->cacert);
    if (!http) return http.error();
    if (auto asked = api::auth_client(**http, place->server).request_password_reset(email); !asked)
        return asked.error();
    if (c.term.json())
        c.term.result(json_line("auth.password_reset").with("email", email).with("server", place->server).text());
    else
        c.term.result("If there is an account for " + printable(email) +
                      ", a link to set a new password is on its way to it");
    return exit_code::done;
}

}  // namespace instatunnel::cli
