#include "account_session.hpp"

#include "explain_failure.hpp"

namespace instatunnel::cli {

outcome<std::unique_ptr<account_session>> account_session::open(context& c) {
    auto in_use = resolve(c, key_need::required);
    if (!in_use) return in_use.error();
    auto http = c.make_http(in_use->cacert);
    if (!http) return http.error();
    return std::unique_ptr<account_session>(new account_session(std::move(*in_use), std::move(*http)));
}

account_session::account_session(credentials in_use, std::unique_ptr<api::http_client> http)
    : in_use_(std::move(in_use)), http_(std::move(http)), account_(*http_, in_use_.server, in_use_.key) {}

failure account_session::explain(const failure& f) const {
    return explain_failure(f, in_use_);
}

}  // namespace instatunnel::cli
