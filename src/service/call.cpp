#include "call.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/http_date.hpp"

namespace instatunnel::service {
namespace {

api_error unauthorized(errc code) {
    api_error error;
    error.status = 401;
    error.message = code == errc::wrong_password ? message(code) : std::string_view("Invalid or missing API key");
    error.reason = code_name(code);
    return error;
}

api_error later(errc code, std::chrono::seconds wait) {
    auto error = error_with_status(503, message(code));
    error.retry_after = wait;
    return error;
}

// draft-ietf-httpapi-ratelimit-headers-07: the quota that will be exhausted first.
void add_quota(const quota& q, api_response& response) {
    const auto limit = std::to_string(q.limit);
    response.fields.emplace_back("RateLimit-Limit", limit);
    response.fields.emplace_back("RateLimit-Remaining", std::to_string(q.remaining));
    response.fields.emplace_back("RateLimit-Reset", std::to_string(q.reset.count()));
    response.fields.emplace_back("RateLimit-Policy", limit + ";w=60;name=\"" + std::string(q.name) + "\"");
}

// A path that no route knows, for the log. People paste keys and links with tokens into the wrong place: long segments
// and keys are left out.
std::string loggable(std::string_view path) {
    constexpr std::size_t longest_path = 80, longest_segment = 24;
    std::string text;
    while (!path.empty() && text.size() < longest_path) {
        const auto end = std::min(path.find('/', 1), path.size());
        const auto segment = path.substr(0, end);
        text += segment.size() > longest_segment || segment.find("it_") != std::string_view::npos ? "/*" : segment;
        path.remove_prefix(end);
    }
    return text.substr(0, longest_path);
}

}  // namespace

std::string_view word_for(int status) noexcept {
    switch (status) {
        case 400:
            return "bad_request";
        case 401:
            return "unauthorized";
        case 403:
            return "forbidden";
        case 404:
            return "not_found";
        case 405:
            return "method_not_allowed";
        case 409:
            return "conflict";
        case 413:
            return "too_large";
        case 422:
            return "invalid";
        case 429:
            return "rate_limited";
        case 503:
            return "unavailable";
        default:
            return "internal";
    }
}

// 401 is 4001, 409 is 4009, 503 is 5003.
int code_for(int status) noexcept {
    return (status < 500 ? 4000 : 5000) + status % 100;
}

api_error error_with_status(int status, std::string_view message) {
    api_error error;
    error.status = status;
    error.message = message;
    return error;
}

api_error error_for(const failure& f) {
    switch (f.code) {
        case errc::no_key:
        case errc::malformed_key:
        case errc::invalid_key:
        case errc::expired_key:
        case errc::revoked_key:
        case errc::wrong_password:
            return unauthorized(f.code);
        case errc::forbidden:
        case errc::plan_limit:
            return error_with_status(403, f.what());
        case errc::account_disabled:
        case errc::email_not_verified: {
            auto error = error_with_status(403, f.what());
            error.reason = code_name(f.code);
            return error;
        }
        case errc::not_found:
            return error_with_status(404, f.what());
        case errc::name_taken:
        case errc::name_reserved:
        case errc::already_exists:
            return error_with_status(409, f.what());
        case errc::malformed_name:
            return error_with_status(422, f.what());
        case errc::busy:
            return later(f.code, std::chrono::seconds(1));
        case errc::store_failed:
            return later(f.code, std::chrono::seconds(5));
        default:
            return error_with_status(500, message(errc::internal));
    }
}

call::call(api_request asked, service::api_callback done)
    : request(std::move(asked)),
      path(request.path),
      versioned(false),
      id_(auth::make_id("req")),
      done_(std::move(done)) {
    if (path == "/v1" || path.starts_with("/v1/")) {
        versioned = true;
        path.erase(0, 3);
    }
}

call::~call() {
    if (done_) fail(failure(errc::busy));
}

void call::reply(int status, const nlohmann::ordered_json& body) {
    // Texts come from callers; a byte that is not UTF-8 must not turn an answer into an exception.
    reply_json(status, body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void call::reply_json(int status, std::string text) {
    api_response response;
    response.status = status;
    response.fields.emplace_back("Content-Type", "application/json");
    response.body = std::move(text);
    send(std::move(response));
}

void call::reply_page(int status, const std::vector<std::pair<std::string, std::string>>& fields, std::string html) {
    api_response response;
    response.status = status;
    response.fields = fields;
    response.body = std::move(html);
    send(std::move(response));
}

void call::redirect(std::string location) {
    api_response response;
    response.status = 303;
    response.fields.emplace_back("Location", std::move(location));
    send(std::move(response));
}

void call::reply_empty() {
    api_response response;
    response.status = 204;
    send(std::move(response));
}

void call::fail(const failure& f, std::string field) {
    auto error = error_for(f);
    error.field = std::move(field);
    // What is not there was asked for by the id in its path, unless a field of the request named it.
    if (error.field.empty() && f.code == errc::not_found) error.field = "id";
    fail(error);
}

void call::fail(const api_error& error) {
    if (show_error && done_) return show_error(*this, error);
    const int wait = static_cast<int>(error.retry_after.count());
    nlohmann::ordered_json body;
    body["error"] = word_for(error.status);
    body["message"] = error.message;
    if (!error.required_scope.empty()) body["required_scope"] = error.required_scope;
    if (wait > 0) body["retry_after"] = wait;
    body["code"] = code_for(error.status);
    if (!error.field.empty()) body["field"] = error.field;
    if (!error.reason.empty()) body["reason"] = error.reason;
    if (!error.plan.empty()) body["plan"] = error.plan;
    if (!error.limit.empty()) body["limit"] = error.limit;
    // A missing permission is a matter of the key; every other no of this kind is the owner's to lift.
    const bool owner_decides = error.status == 429 || (error.status == 403 && error.required_scope.empty());
    if (owner_decides && !support.empty()) body["support"] = support;
    body["request_id"] = id_;

    api_response response;
    response.status = error.status;
    response.fields.emplace_back("Content-Type", "application/json");
    if (error.status == 401) response.fields.emplace_back("WWW-Authenticate", "Bearer");  // RFC 9110 §11.6.1
    if (wait > 0) response.fields.emplace_back("Retry-After", std::to_string(wait));
    if (!error.allow.empty()) response.fields.emplace_back("Allow", error.allow);
    response.body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    send(std::move(response));
}

void call::send(api_response response) {
    if (!done_) return;
    note(response.status);
    response.fields.emplace_back("Cache-Control", "no-store");
    // RFC 9110 §6.6.1; `doctor` compares a client's clock with it.
    response.fields.emplace_back("Date", wire::to_http_date(std::chrono::floor<std::chrono::seconds>(wall_now())));
    response.fields.emplace_back("X-Request-Id", id_);
    if (tightest.limit != 0) add_quota(tightest, response);
    std::ranges::move(added, std::back_inserter(response.fields));
    if (request.method == "HEAD") response.body.clear();
    std::exchange(done_, nullptr)(std::move(response));
}

void call::note(int status) const {
    log::line line(status < 400 ? log::level::debug : log::level::info, "api.answered");
    line.with("request_id", id_).with("method", std::string_view(request.method).substr(0, 20));
    line.with("path", pattern.empty() ? loggable(path) : std::string(pattern)).with("status", status);
    if (!key.id.empty()) line.with("key_id", key.id);
    if (!person.empty()) line.with("user_id", person);
}

std::string_view call::field(std::string_view name) const {
    for (const auto& [key_name, value] : request.fields)
        if (iequals(key_name, name)) return trim(value);
    return {};
}

}  // namespace instatunnel::service
