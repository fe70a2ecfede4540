#include "form_call.hpp"

#include "wiped_buffer.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t max_error = 64;

// Letters, digits and underscores only: RFC 6749 §5.2 allows more, nobody uses it, and it is compared and shown.
std::string error_word(const json& body) {
    auto word = text(body, "error");
    const auto usable = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
    return word.size() <= max_error && std::ranges::all_of(word, usable) ? word : std::string();
}

failure problem_of(const json& body, const std::string& word, const std::string& server) {
    auto why = text(body, "error_description");
    if (why.empty()) why = text(body, "message");
    while (why.ends_with('.'))
        why.pop_back();
    return {errc::unexpected_reply, server + " refused the sign-in: " + (why.empty() ? word : why),
            "Start again: instatunnel login"};
}

}  // namespace

outcome<form_answer> form_call::send(const std::string& url, fields values) {
    wiped_buffer body;
    for (const auto& [name, value] : values) {
        if (!body.empty()) body.append("&");
        body.append(name).append("=").append_form(value);
    }
    auto reply =
        http_.send("POST", url, {{"Accept", "application/json"}, {"Content-Type", "application/x-www-form-urlencoded"}},
                   body.view(), call_limit);
    if (!reply) return reply.error();
    auto parsed = json::parse(reply->body.reveal(), nullptr, /*allow_exceptions=*/false);
    if (reply->status >= 200 && reply->status <= 299) {
        if (parsed.is_discarded() && !reply->body.empty()) return unexpected(server_);
        return form_answer{std::move(parsed), {}, {}};
    }
    const auto word = error_word(parsed);
    const bool is_oauth = (reply->status == 400 || reply->status == 401 || reply->status == 403) && !word.empty();
    if (!is_oauth) return to_failure(*reply, question::with_key, server_);
    auto problem = problem_of(parsed, word, server_);
    return form_answer{nullptr, word, std::move(problem)};
}

}  // namespace instatunnel::api
