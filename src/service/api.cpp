#include "api.hpp"

#include <exception>

#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "route_table.hpp"

namespace instatunnel::service {
namespace {

// `Authorization: Bearer it_…` (RFC 6750 §2.1) or `X-API-Key: it_…`.
std::string_view presented_key(const call& c) {
    constexpr std::string_view scheme = "bearer ";
    const auto credentials = c.field("Authorization");
    if (credentials.size() > scheme.size() && iequals(credentials.substr(0, scheme.size()), scheme))
        return trim(credentials.substr(scheme.size()));
    return c.field("X-API-Key");
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
    try {
        dispatch(c);
    } catch (const std::exception& e) {
        log::error("api.failed").with("path", c->path).with("cause", e.what());
        c->fail(failure(errc::internal));
    }
}

void api::dispatch(const call_ptr& c) {
    auto match = find_route(c->request.method, c->path);
    if (match.found == nullptr) {
        const auto wait = parts_.limits.take_call_without_key(c->request.remote_address, parts_.settings.steady());
        if (!refuse_if(c, wait)) return;
        if (match.allow.empty()) return c->fail(with_status(404, "There is no such path in this API"));
        auto error = with_status(405, "This path does not know the method " + c->request.method.substr(0, 20));
        error.allow = match.allow;
        return c->fail(error);
    }
    c->parameter = std::move(match.parameter);
    if (authorise(c, *match.found)) (this->*match.found->handler)(c);
}

bool api::authorise(const call_ptr& c, const route& r) {
    if (r.access == route_access::open)
        return refuse_if(c, parts_.limits.take_call_without_key(c->request.remote_address, parts_.settings.steady()));
    if (!check_key(c)) return false;
    if (r.scope.empty() || auth::grants(c->key.scopes, r.scope)) return true;
    auto error = with_status(403, message(errc::forbidden));
    error.required_scope = r.scope;
    c->fail(error);
    return false;
}

bool api::check_key(const call_ptr& c) {
    const auto now = parts_.settings.steady();
    const auto& address = c->request.remote_address;
    const auto presented = presented_key(*c);
    auto key = presented.empty() ? outcome<store::api_key>(failure(errc::no_key)) : parts_.keys.check(presented);
    if (!key) {
        if (refuse_if(c, parts_.limits.take_call_without_key(address, now))) c->fail(key.error());
        return false;
    }
    if (!refuse_if(c, parts_.limits.take_call_with_key(key->id, address, now))) return false;
    c->key = std::move(*key);
    return true;
}

bool api::refuse_if(const call_ptr& c, call_limits::refusal wait) {
    if (!wait) return true;
    auto error = with_status(429, message(errc::rate_limited));
    error.retry_after = *wait;
    c->fail(error);
    return false;
}

}  // namespace instatunnel::service
