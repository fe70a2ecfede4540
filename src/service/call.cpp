#include "call.hpp"

#include <utility>

#include "instatunnel/auth/key.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::service {
namespace {

api_error unauthorized(errc code) {
    api_error error;
    error.status = 401;
    error.message = code == errc::wrong_password ? message(code) : std::string_view("Invalid or missing API key");
    error.reason = code_name(code);
    return error;
}

api_error plain(int status, std::string_view text) {
    api_error error;
    error.status = status;
    error.message = text;
    return error;
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
            return plain(403, f.what());
        case errc::not_found:
            return plain(404, f.what());
        case errc::name_taken:
        case errc::name_reserved:
        case errc::already_exists:
            return plain(409, f.what());
        case errc::malformed_name:
            return plain(422, f.what());
        case errc::busy:
        case errc::store_failed:
            return plain(503, message(f.code));
        default:
            return plain(500, message(errc::internal));
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

void call::reply_empty() {
    api_response response;
    response.status = 204;
    send(std::move(response));
}

void call::fail(const failure& f, std::string field) {
    auto error = error_for(f);
    error.field = std::move(field);
    fail(error);
}

void call::fail(const api_error& error) {
    const int wait = static_cast<int>(error.retry_after.count());
    nlohmann::ordered_json body;
    body["error"] = word_for(error.status);
    body["message"] = error.message;
    if (!error.required_scope.empty()) body["required_scope"] = error.required_scope;
    if (wait > 0) body["retry_after"] = wait;
    body["code"] = code_for(error.status);
    if (!error.field.empty()) body["field"] = error.field;
    if (!error.reason.empty()) body["reason"] = error.reason;
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
    log::debug("api.answered").with("request_id", id_).with("method", request.method).with("status", response.status);
    response.fields.emplace_back("Cache-Control", "no-store");
    response.fields.emplace_back("X-Request-Id", id_);
    if (request.method == "HEAD") response.body.clear();
    std::exchange(done_, nullptr)(std::move(response));
}

std::string_view call::field(std::string_view name) const {
    for (const auto& [key_name, value] : request.fields)
        if (iequals(key_name, name)) return trim(value);
    return {};
}

}  // namespace instatunnel::service
