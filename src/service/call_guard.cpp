#include "call_guard.hpp"

#include "instatunnel/auth/scopes.hpp"
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

}  // namespace

bool call_guard::authorise(const call_ptr& c, const route& r) {
    const auto& address = c->request.remote_address;
    const auto now = parts_.settings.steady();
    if (r.access == route_access::open || r.access == route_access::page)
        return refuse_if(c, parts_.limits.take_call_without_key(address, now));
    if (r.access == route_access::registration) return refuse_if(c, parts_.limits.take_registration(address, now));
    if (r.access == route_access::key_or_none && comes_without_key(*c))
        return refuse_if(c, parts_.limits.take_call_without_key(address, now));
    if (!check_key(c)) return false;
    if (r.scope.empty() || auth::grants(c->key.scopes, r.scope)) return true;
    parts_.audit.note_seldom(event(c, "key.refused").about(c->key.id).refused("scope").with("scope", r.scope),
                             c->key.id + " " + std::string(r.scope));
    auto error = error_with_status(403, message(errc::forbidden));
    error.required_scope = r.scope;
    c->fail(error);
    return false;
}

bool call_guard::key_still_works(const call_ptr& c) {
    const auto presented = presented_key(*c);
    const auto key = parts_.keys.check(presented ? *presented : std::string_view());
    if (!key) c->fail(key.error());
    return static_cast<bool>(key);
}

bool call_guard::comes_without_key(const call& c) const {
    if (c.versioned || !parts_.admissions.allows_anonymous()) return false;
    const auto presented = presented_key(c);
    return presented && presented->empty();
}

bool call_guard::check_key(const call_ptr& c) {
    const auto now = parts_.settings.steady();
    const auto& address = c->request.remote_address;
    const auto presented = presented_key(*c);
    if (!presented) {
        if (refuse_if(c, parts_.limits.take_call_without_key(address, now)))
            c->fail(
                error_with_status(400,
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

bool call_guard::refuse_if(const call_ptr& c, const call_limits::ruling& ruling) {
    auto& shown = c->tightest;
    if (ruling.wait || shown.limit == 0 || ruling.tightest.remaining < shown.remaining) shown = ruling.tightest;
    return refuse_if(c, ruling.wait);
}

bool call_guard::refuse_if(const call_ptr& c, call_limits::refusal wait) {
    if (!wait) return true;
    parts_.audit.note_seldom(event(c, "rate_limit.exceeded").about(c->pattern).refused("rate_limited"),
                             c->key.id + " " + auth::address_group(c->request.remote_address));
    auto error = error_with_status(429, message(errc::rate_limited));
    error.retry_after = *wait;
    c->fail(error);
    return false;
}

audit_event call_guard::event(const call_ptr& c, std::string_view action) const {
    audit_event e(action);
    e.from(c->request.remote_address);
    if (!c->key.id.empty()) e.by(actor_kind::key, c->key.id).of(c->key.account_id);
    return e;
}

bool call_guard::take_sign_in(const call_ptr& c, const std::string& email) {
    return refuse_if(c, parts_.limits.take_sign_in(email, c->request.remote_address, parts_.settings.steady()));
}

void call_guard::give_back_sign_in(const call_ptr& c, const std::string& email) {
    parts_.limits.give_back_sign_in(email, c->request.remote_address, parts_.settings.steady());
}

// Written at once when somebody seems to guess: a restart must not give them new tries. The others wait for the next
// flush, so that a few wrong passwords do not cost a sync each.
void call_guard::note_refused_sign_in(const call_ptr& c, audit_event event, const std::string& email) {
    parts_.audit.note(event.about(email));
    if (parts_.limits.is_guessing(email, c->request.remote_address, parts_.settings.steady()))
        (void)parts_.audit.flush();
}

}  // namespace instatunnel::service
