#include "api.hpp"

#include <algorithm>
#include <exception>
#include <iterator>

#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "route_table.hpp"

namespace instatunnel::service {

api::api(api_parts parts)
    : parts_(parts),
      guard_(parts_),
      oauth_(parts_, guard_),
      site_(parts_, guard_),
      followers_(parts_.requests, parts_.queue, parts_.settings),
      log_run_(random_base62(8)) {}

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
    if (match.found->access == route_access::page)
        c->show_error = [this](call& failed, const api_error& error) { site_.show_error(failed, error); };
    if (guard_.authorise(c, *match.found)) run(match.found->handler, c);
}

void api::run(const route_handler& handler, const call_ptr& c) {
    if (const auto* own = std::get_if<void (api::*)(const call_ptr&)>(&handler)) return (this->**own)(c);
    if (const auto* oauth = std::get_if<void (oauth_routes::*)(const call_ptr&)>(&handler)) return (oauth_.**oauth)(c);
    (site_.*std::get<void (site::*)(const call_ptr&)>(handler))(c);
}

void api::answer_unrouted(const call_ptr& c, std::string_view allow) {
    if (!guard_.refuse_if(c, parts_.limits.take_call_without_key(c->request.remote_address, parts_.settings.steady())))
        return;
    if (allow.empty()) {
        auto error = error_with_status(404, "There is no such path in this API");
        error.field = "path";
        return c->fail(error);
    }
    // A browser asks whether a page of another origin may make this call (Fetch standard, CORS-preflight).
    const bool preflight = c->request.method == "OPTIONS" && !c->field("Access-Control-Request-Method").empty();
    if (preflight && parts_.cors.allows(c->field("Origin"))) {
        std::ranges::move(cors_policy::for_preflight(allow), std::back_inserter(c->added));
        return c->reply_empty();
    }
    auto error = error_with_status(405, "This path does not know the method " + c->request.method.substr(0, 20));
    error.field = "method";
    error.allow = allow;
    c->fail(error);
}

}  // namespace instatunnel::service
