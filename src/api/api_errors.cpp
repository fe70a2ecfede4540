#include "api_errors.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "retry_after.hpp"

namespace instatunnel::api {
namespace {

using nlohmann::json;

constexpr std::size_t max_message = 200;

std::string printable(const json& body, const char* name) {
    const auto found = body.find(name);
    if (found == body.end() || !found->is_string()) return {};
    const auto& text = found->get_ref<const std::string&>();
    if (text.size() > max_message) return {};
    for (const char c : text)
        if (c < 0x20 || c > 0x7e) return {};
    return text;
}

json object_of(const http_reply& reply) {
    auto body = json::parse(reply.body.reveal(), nullptr, /*allow_exceptions=*/false);
    return body.is_object() ? body : json::object();
}

failure not_authenticated(const json& body, question asked) {
    // Words for programs; the message is for people and may change.
    const auto reason = printable(body, "reason");
    if (asked == question::login) {
        if (reason == code_name(errc::otp_required)) return errc::otp_required;
        if (reason == code_name(errc::otp_wrong)) return errc::otp_wrong;
        return errc::wrong_password;
    }
    if (reason == code_name(errc::expired_key)) return errc::expired_key;
    if (reason == code_name(errc::revoked_key)) return errc::revoked_key;
    return errc::invalid_key;
}

// What the server's owner wants to be told about limits; letters of any language, but nothing that steers a terminal.
std::string support_of(const json& body) {
    const auto found = body.find("support");
    if (found == body.end() || !found->is_string()) return {};
    const auto& text = found->get_ref<const std::string&>();
    const auto shows = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; };
    return text.size() <= max_message && std::ranges::all_of(text, shows) ? text : std::string();
}

failure plan_limit(const json& body, const std::string& support) {
    const auto see = std::string("See what the plan allows: instatunnel whoami");
    return {errc::plan_limit, printable(body, "message"),
            support.empty() ? see : see + ", or ask for more: " + support};
}

failure not_permitted(const json& body, question asked) {
    const auto reason = printable(body, "reason");
    if (reason == code_name(errc::account_disabled)) return errc::account_disabled;
    if (reason == code_name(errc::email_not_verified)) return errc::email_not_verified;
    const auto support = support_of(body);
    const auto ask = support.empty() ? std::string() : "Ask the server's owner: " + support;
    if (asked == question::registration)
        return {errc::forbidden, printable(body, "message"),
                ask.empty() ? "Ask the server's owner for an account" : ask};
    if (!printable(body, "limit").empty()) return plan_limit(body, support);
    const auto scope = printable(body, "required_scope");
    if (scope.empty()) return {errc::forbidden, printable(body, "message"), ask};
    return {errc::forbidden, std::string(message(errc::forbidden)) + ": it needs the permission " + scope,
            "Use a key that has it: instatunnel auth test shows what this one may do"};
}

failure conflict(const json& body, question asked) {
    if (asked == question::registration) return {errc::already_exists, "There is an account with this email already"};
    return {errc::already_exists, printable(body, "message")};
}

failure limited(const json& body, const http_reply& reply) {
    const auto wait = retry_after(reply, body);
    if (!wait) return errc::rate_limited;
    const std::string length = wait->count() == 1 ? "1 second" : std::to_string(wait->count()) + " seconds";
    const auto support = support_of(body);
    const auto ask = support.empty() ? std::string() : "; if you need more, ask: " + support;
    return {errc::rate_limited, {}, "Wait " + length + ", then try again" + ask};
}

failure refused(const json& body) {
    auto text = printable(body, "message");
    const auto field = printable(body, "field");
    if (text.empty()) text = message(errc::bad_request);
    if (!field.empty() && text.find(field) == std::string::npos) text += " (" + field + ")";
    return {errc::bad_request, text, field.empty() ? std::string() : "Correct this: " + field};
}

failure unusable(int status, const json& body, std::string_view server) {
    auto text = std::string(server) + " answered with status " + std::to_string(status);
    const auto words = printable(body, "message");
    if (!words.empty()) text += ": " + words;
    if (status >= 300 && status < 400)
        return {errc::unexpected_reply, text, "Redirects are not followed: name the server itself with --server"};
    if (status >= 500) return {errc::unexpected_reply, text, "Try again; if it stays, ask the server's owner"};
    return {errc::unexpected_reply, text};
}

}  // namespace

failure to_failure(const http_reply& reply, question asked, std::string_view server) {
    const auto body = object_of(reply);
    switch (reply.status) {
        case 400:
        case 422:
            return refused(body);
        case 401:
            return not_authenticated(body, asked);
        case 403:
            return not_permitted(body, asked);
        case 404:
            return {errc::not_found, printable(body, "message")};
        case 409:
            return conflict(body, asked);
        case 413:
            return {errc::too_large, printable(body, "message")};
        case 429:
            return limited(body, reply);
        case 502:
        case 504:
            return {errc::server_unreachable, "Something in front of " + std::string(server) + " cannot reach it"};
        case 503:
            return errc::busy;
        default:
            return unusable(reply.status, body, server);
    }
}

}  // namespace instatunnel::api
