#include "api.hpp"

#include <algorithm>
#include <exception>
#include <iterator>

#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "route_table.hpp"

namespace instatunnel::service {
namespace {

// `Authorization: Bearer it_…` (RFC 6750 §2.1) or `X-API-Key: it_…`; empty if this field is neither.
std::string_view key_in(const std::pair<std::string, std::string>& field) {
    constexpr std::string_view scheme = "bearer ";
    const auto value = trim(field.second);
    if (iequals(field.first, "X-API-Key")) return value;
    const bool bearer = iequals(field.first, "Authorization") && value.size() > scheme.size() &&
                        iequals(value.substr(0, scheme.size()), scheme);
    return bearer ? trim(value.substr(scheme.size())) : std::string_view();
}

// The key that all fields agree on, empty if there is none. Errors: bad_request.
outcome<std::string_view> presented_key(const call& c) {
    std::string_view key;
    for (const auto& field : c.request.fields) {
        const auto given = key_in(field);
        if (given.empty() || given == key) continue;
        if (!key.empty()) return failure(errc::bad_request);
        key = given;
    }
    return key;
}

api_error with_status(int status, std::string_view message) {
    api_error error;
    error.status = status;
    error.message = message;
    return error;
}

}  // namespace

void api::handle(api_request request, service::api_callback done) {
    const auto c = std::make_shared<call>(std::move(request), std::move(done));
    c->added = parts_.cors.for_answer(c->field("Origin"));
    c->support = parts_.options.support_contact;
    try {
        dispatch(c);
    } catch (const std::exception& e) {
        log::error("api.failed").with("path", c->pattern).with("cause", e.what());
        c->fail(failure(errc::internal));
    }
}

void api::dispatch(const call_ptr& c) {
    auto match = find_route(c->request.method, c->path);
    if (match.found == nullptr) return answer_unrouted(c, match.allow);
    c->pattern = match.found->pattern;
    c->parameter = std::move(match.parameter);
    if (authorise(c, *match.found)) (this->*match.found->handler)(c);
}

void api::answer_unrouted(const call_ptr& c, std::string_view allow) {
    if (!refuse_if(c, parts_.limits.take_call_without_key(c->request.remote_address, parts_.settings.steady()))) return;
    if (allow.empty()) return c->fail(with_status(404, "There is no such path in this API"));
    // A browser asks whether a page of another origin may make this call (Fetch standard, CORS-preflight).
    const bool preflight = c->request.method == "OPTIONS" && !c->field("Access-Control-Request-Method").empty();
    if (preflight && parts_.cors.allows(c->field("Origin"))) {
        std::ranges::move(cors_policy::for_preflight(allow), std::back_inserter(c->added));
        return c->reply_empty();
    }
    auto error = with_status(405, "This path does not know the method " + c->request.method.substr(0, 20));
    error.allow = allow;
    c->fail(error);
}

bool api::authorise(const call_ptr& c, const route& r) {
    const auto& address = c->request.remote_address;
    const auto now = parts_.settings.steady();
    if (r.access == route_access::open) return refuse_if(c, parts_.limits.take_call_without_key(address, now));
    if (r.access == route_access::registration) return refuse_if(c, parts_.limits.take_registration(address, now));
    if (!check_key(c)) return false;
    if (r.scope.empty() || auth::grants(c->key.scopes, r.scope)) return true;
    parts_.audit.note_seldom(event(c, "key.refused").about(c->key.id).refused("scope").with("scope", r.scope),
                             c->key.id + " " + std::string(r.scope));
    auto error = with_status(403, message(errc::forbidden));
    error.required_scope = r.scope;
    c->fail(error);
    return false;
}

bool api::check_key(const call_ptr& c) {
    const auto now = parts_.settings.steady();
    const auto& address = c->request.remote_address;
    const auto presented = presented_key(*c);
    if (!presented) {
        if (refuse_if(c, parts_.limits.take_call_without_key(address, now)))
            c->fail(with_status(400,
                                "The request carries different API keys: send one, as Authorization: Bearer or as "
                                "X-API-Key"));
        return false;
    }
    auto key = presented->empty() ? outcome<store::api_key>(failure(errc::no_key)) : parts_.keys.check(*presented);
    if (!key) {
        if (refuse_if(c, parts_.limits.take_call_without_key(address, now))) c->fail(key.error());
        return false;
    }
    parts_.addresses.note(*key, address);
    c->key = std::move(*key);
    const auto rate = parts_.gate.calls_per_minute(c->key.account_id);
    if (!rate) {
        c->fail(rate.error());
        return false;
    }
    return refuse_if(c, parts_.limits.take_call_with_key(c->key, *rate, address, now));
}

bool api::refuse_if(const call_ptr& c, const call_limits::ruling& ruling) {
    auto& shown = c->tightest;
    if (ruling.wait || shown.limit == 0 || ruling.tightest.remaining < shown.remaining) shown = ruling.tightest;
    return refuse_if(c, ruling.wait);
}

bool api::refuse_if(const call_ptr& c, call_limits::refusal wait) {
    if (!wait) return true;
    parts_.audit.note_seldom(event(c, "rate_limit.exceeded").about(c->pattern).refused("rate_limited"),
                             c->key.id + " " + auth::address_group(c->request.remote_address));
    auto error = with_status(429, message(errc::rate_limited));
    error.retry_after = *wait;
    c->fail(error);
    return false;
}

audit_event api::event(const call_ptr& c, std::string_view action) const {
    audit_event e(action);
    e.from(c->request.remote_address);
    if (!c->key.id.empty()) e.by(actor_kind::key, c->key.id).of(c->key.account_id);
    return e;
}

}  // namespace instatunnel::service
