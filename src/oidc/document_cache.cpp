#include "document_cache.hpp"

namespace instatunnel::oidc {

fetch::request ask_provider(const std::string& url) {
    fetch::request r;
    r.url = url;
    r.addresses = fetch::address_policy::any;
    r.max_bytes = max_answer;
    r.time_limit = answer_limit;
    return r;
}

outcome<secret> body_of(outcome<fetch::response> answer) {
    if (!answer) return answer.error();
    if (answer->status != 200)
        return failure(errc::unexpected_reply, "The OpenID provider answered with status " +
                                                   std::to_string(answer->status) + " instead of 200");
    return std::move(answer->body);
}

}  // namespace instatunnel::oidc
