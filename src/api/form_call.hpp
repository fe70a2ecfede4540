#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "json_call.hpp"

namespace instatunnel::api {

/// The answer of an OAuth endpoint: JSON of what went well, or the error's own word (RFC 6749 §5.2).
struct form_answer {
    json body;
    std::string error;  ///< "invalid_grant"; empty: it went well
    failure problem{};  ///< with `error`: the same for a person
};

/// POSTs a form, the way OAuth endpoints are asked. Values may be secret: no copy of them is left behind.
class form_call {
public:
    using fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    /// Both outlive the call.
    form_call(http_client& http, const std::string& server) : http_(http), server_(server) {}

    /// Errors: those of http_client, of to_failure() where the answer is no error of OAuth, unexpected_reply.
    outcome<form_answer> send(const std::string& url, fields values);

private:
    http_client& http_;
    const std::string& server_;
};

}  // namespace instatunnel::api
