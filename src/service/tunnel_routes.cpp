#include <algorithm>

#include "api.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/service/description.hpp"
#include "json_body.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t max_listed_tunnels = 1000;

wall_time from_microseconds(std::int64_t us) {
    return wall_time(std::chrono::microseconds(us));
}

nlohmann::ordered_json milliseconds_or_null(std::int64_t us) {
    return us != 0 ? nlohmann::ordered_json(static_cast<double>(us) / 1000) : nlohmann::ordered_json();
}

// Only a fault of the name is one of the field.
void fail_name(const call_ptr& c, const failure& f, const char* name_field) {
    const bool is_ours = f.code == errc::store_failed || f.code == errc::busy;
    c->fail(f, is_ours ? "" : name_field);
}

std::string_view word_for(sign_up_policy policy) {
    switch (policy) {
        case sign_up_policy::open:
            return "open";
        case sign_up_policy::invite:
            return "invite";
        case sign_up_policy::closed:
            break;
    }
    return "closed";
}

}  // namespace

api::live_by_id api::live() const {
    live_by_id connected;
    if (parts_.edge == nullptr) return connected;
    // Without an answer they are shown as offline: a listing that waits for ever helps nobody.
    auto tunnels = parts_.edge->list();
    if (!tunnels) return connected;
    for (auto& t : *tunnels) {
        const auto id = t.tunnel_id;
        connected.insert_or_assign(id, std::move(t));
    }
    return connected;
}

nlohmann::ordered_json api::describe(const store::tunnel& t, const live_by_id& connected, bool with_latency) const {
    const auto found = connected.find(t.id);
    const live_tunnel now = found != connected.end() ? found->second : live_tunnel();
    const bool online = found != connected.end();
    nlohmann::ordered_json row;
    row["id"] = t.id;
    row["name"] = t.name;
    row["subdomain"] = t.name;
    row["host"] = parts_.names.host(t.name);
    row["url"] = parts_.names.url(t);
    row["proto"] = t.proto;
    row["port"] = nullptr;
    if (t.port != 0) row["port"] = t.port;
    row["target"] = now.target.empty() ? t.target : now.target;
    row["status"] = online ? "online" : "offline";
    row["created_at"] = to_rfc3339(t.created_at);
    row["connected_at"] = nullptr;
    row["uptime_seconds"] = nullptr;
    if (online) {
        const auto since = from_microseconds(now.connected_at_us);
        row["connected_at"] = to_rfc3339(since);
        const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(parts_.settings.now() - since);
        row["uptime_seconds"] = std::max<std::int64_t>(uptime.count(), 0);
    }
    // The stored totals hold what this session reported so far; of a young tunnel the edge knows more.
    row["requests"] = std::max(t.requests, now.requests);
    row["bytes_in"] = std::max(t.bytes_in, now.bytes_in);
    row["bytes_out"] = std::max(t.bytes_out, now.bytes_out);
    row["latency_p50_ms"] = with_latency ? milliseconds_or_null(now.latency_p50_us) : nullptr;
    row["latency_p99_ms"] = with_latency ? milliseconds_or_null(now.latency_p99_us) : nullptr;
    return row;
}

std::optional<store::tunnel> api::find_tunnel(const call_ptr& c) {
    // An id tells letter case apart, a name or host does not.
    auto found = parts_.data.find_tunnel(c->key.account_id, c->parameter);
    if (found && !*found) found = parts_.data.find_tunnel(c->key.account_id, parts_.names.label(c->parameter));
    if (found && *found) return std::move(**found);
    c->fail(found ? failure(errc::not_found, "There is no such tunnel in this account") : found.error());
    return std::nullopt;
}

void api::create_tunnel(const call_ptr& c) {
    if (!c->versioned) return create_published_tunnel(c);
    json_body given(c->request.body.reveal());
    // "subdomain" is the published name of the field, "name" the one of our other routes: an error names what was sent.
    const auto subdomain = given.text("subdomain");
    const auto name = subdomain ? subdomain : given.text("name");
    const char* const name_field = subdomain ? "subdomain" : "name";
    const auto target = given.text("target").value_or("");
    // Not passed over: somebody would take the tunnel for guarded.
    const char* unknown_here = nullptr;
    for (const char* field : {"password", "basic_auth", "custom_domain"})
        if (!given.optional_secret(field).empty()) unknown_here = field;
    if (given.number("local_port")) unknown_here = "local_port";
    if (given.error()) return c->fail(*given.error());
    if (unknown_here != nullptr)
        return c->fail(wrong_value(unknown_here, "\"" + std::string(unknown_here) +
                                                     "\" is for POST /tunnels without /v1, where clients without "
                                                     "flags of their own set it"));
    if (!target.empty() && !auth::is_display_name(target))
        return c->fail(wrong_value("target", "\"target\" must have at most 120 bytes and no control characters"));
    if (name && name->empty()) return c->fail(failure(errc::malformed_name), name_field);
    const auto wanted = parts_.admissions.prepare(c->key.account_id, name.value_or(""), target);
    if (!wanted && wanted.error().code == errc::plan_limit) return refuse_by_plan(c, wanted.error());
    if (!wanted) return fail_name(c, wanted.error(), name_field);
    auto created = parts_.audit.together(
        [&] { return parts_.admissions.create(*wanted); },
        [&](const store::tunnel& t) { return guard_.event(c, "tunnel.created").about(t.id).with("name", t.name); });
    if (!created) return fail_name(c, created.error(), name_field);
    c->reply(201, describe(*created, {}, /*with_latency=*/false));
}

void api::refuse_by_plan(const call_ptr& c, const failure& f) {
    auto error = error_for(f);
    error.plan = parts_.gate.last_refusal().plan;
    error.limit = parts_.gate.last_refusal().limit;
    c->fail(error);
}

void api::list_tunnels(const call_ptr& c) {
    if (!c->versioned) return list_published_tunnels(c);
    if (auto flushed = parts_.usage.flush(parts_.data); !flushed) return c->fail(flushed.error());
    auto tunnels = parts_.data.list_tunnels(c->key.account_id, max_listed_tunnels);
    if (!tunnels) return c->fail(tunnels.error());
    const auto connected = live();
    nlohmann::ordered_json body;
    body["tunnels"] = nlohmann::ordered_json::array();
    for (const auto& t : *tunnels)
        body["tunnels"].push_back(describe(t, connected, auth::grants(c->key.scopes, "tunnels:stats")));
    c->reply(200, body);
}

void api::show_tunnel(const call_ptr& c) {
    if (auto flushed = parts_.usage.flush(parts_.data); !flushed) return c->fail(flushed.error());
    if (const auto found = find_tunnel(c))
        c->reply(200, describe(*found, live(), auth::grants(c->key.scopes, "tunnels:stats")));
}

void api::remove_tunnel(const call_ptr& c) {
    const auto found = find_tunnel(c);
    if (found && end_tunnel(c, *found)) c->reply_empty();
}

// False: the call is answered.
bool api::end_tunnel(const call_ptr& c, const store::tunnel& t) {
    const auto removed =
        parts_.audit.together([&] { return parts_.data.remove_tunnel(c->key.account_id, t.id, parts_.settings.now()); },
                              [&] { return guard_.event(c, "tunnel.removed").about(t.id).with("name", t.name); });
    if (!removed) {
        c->fail(removed.error());
        return false;
    }
    if (parts_.edge != nullptr) parts_.edge->close_tunnel(t.id, errc::tunnel_closed);
    return true;
}

// Only what was counted or measured; null where there is nothing to tell.
void api::show_tunnel_stats(const call_ptr& c) {
    if (auto flushed = parts_.usage.flush(parts_.data); !flushed) return c->fail(flushed.error());
    const auto found = find_tunnel(c);
    if (!found) return;
    const auto connected = live();
    const auto online = connected.find(found->id);
    const auto summary = describe(*found, connected, /*with_latency=*/true);
    nlohmann::ordered_json body;
    for (const char* member : {"id", "name", "url", "status", "created_at", "requests", "bytes_in", "bytes_out",
                               "latency_p50_ms", "latency_p99_ms"})
        body[member] = summary[member];
    for (const char* member :
         {"connected_since", "uptime_seconds", "open_requests", "last_request_at", "round_trip_ms"})
        body[member] = nullptr;
    if (online != connected.end()) {
        const auto& now = online->second;
        const auto since = from_microseconds(now.connected_at_us);
        const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(parts_.settings.now() - since);
        body["connected_since"] = to_rfc3339(since);
        body["uptime_seconds"] = std::max<std::int64_t>(uptime.count(), 0);
        body["open_requests"] = now.open_requests;
        if (now.last_request_at_us != 0)
            body["last_request_at"] = to_rfc3339(from_microseconds(now.last_request_at_us));
        if (now.round_trip_us != 0) body["round_trip_ms"] = static_cast<double>(now.round_trip_us) / 1000;
    }
    c->reply(200, body);
}

void api::show_health(const call_ptr& c) {
    nlohmann::ordered_json body;
    body["status"] = "ok";
    c->reply(200, body);
}

void api::show_meta(const call_ptr& c) {
    nlohmann::ordered_json body;
    body["version"] = parts_.options.version;
    body["domain"] = parts_.options.domain;
    body["transports"] = {"v2", "v1"};
    body["support"] = nullptr;
    if (!parts_.options.support_contact.empty()) body["support"] = parts_.options.support_contact;
    body["sign_up"] = word_for(parts_.options.sign_up);
    auto& limits = body["limits"];
    const auto& rates = parts_.options.limits;
    limits["requests_per_minute_per_key"] = rates.calls_per_key.per_minute;
    limits["requests_per_minute_per_account"] = rates.calls_per_account.per_minute;
    limits["requests_per_minute_per_address"] = rates.calls_per_address.per_minute;
    limits["requests_per_minute_without_key"] = rates.calls_without_key.per_minute;
    limits["wrong_sign_ins_per_minute"] = rates.sign_ins.per_minute;
    limits["registrations_per_minute"] = rates.registrations.per_minute;
    limits["wrong_tunnel_keys_per_minute"] = rates.wrong_keys.per_minute;
    limits["body_bytes"] = max_body_bytes;
    limits["keys_per_account"] = max_keys_per_account;
    limits["names_per_account"] = store::name_limits().requested_names;
    c->reply(200, body);
}

void api::show_description(const call_ptr& c) {
    if (description_.empty()) description_ = describe_api({parts_.options.version, parts_.names.url("api")});
    c->reply_json(200, description_);
}

}  // namespace instatunnel::service
