// What the published clients call: paths without "/v1" that answer in another shape, and paths that only they know.

#include <charconv>

#include "api.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"
#include "tunnel_access.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t max_published_tunnels = 1000;
constexpr std::size_t max_visitor_secret = 256;

// "localhost:3000" as the number of a port; 0: it is something else.
int port_of(const std::string& target) {
    const auto colon = target.rfind(':');
    if (colon == std::string::npos) return 0;
    int port = 0;
    const char* const last = target.data() + target.size();
    const auto [end, error] = std::from_chars(target.data() + colon + 1, last, port);
    return error == std::errc() && end == last && port > 0 && port <= 65535 ? port : 0;
}

std::optional<api_error> check_visitor_secrets(const secret& password, const secret& basic) {
    if (password.reveal().size() > max_visitor_secret)
        return wrong_value("password", "\"password\" must have at most 256 bytes");
    const auto colon = basic.reveal().find(':');
    if (!basic.empty() && (colon == 0 || colon == std::string_view::npos || basic.reveal().size() > max_visitor_secret))
        return wrong_value("basic_auth", "\"basic_auth\" must be USER:PASSWORD, at most 256 bytes");
    return std::nullopt;
}

}  // namespace

nlohmann::ordered_json api::describe_published(const store::tunnel& t, bool online) const {
    nlohmann::ordered_json row;
    row["id"] = t.number;
    row["subdomain"] = t.name;
    row["local_port"] = port_of(t.target);
    row["status"] = online ? "active" : "inactive";
    row["url"] = parts_.names.url(t);
    if (t.expires_at) row["expires_at"] = to_rfc3339(*t.expires_at);
    return row;
}

void api::create_published_tunnel(const call_ptr& c) {
    json_body given(c->request.body.reveal());
    const auto port = given.number("local_port");
    auto name = given.text("subdomain");
    if (!name) name = given.text("name");
    const auto domain = given.text("custom_domain");
    const auto target = given.text("target");
    const auto password = given.optional_secret("password");
    const auto basic = given.optional_secret("basic_auth");
    if (given.error()) return c->fail(*given.error());
    if (port && (*port == 0 || *port > 65535))
        return c->fail(wrong_value("local_port", "\"local_port\" must be a port from 1 to 65535"));
    if (target && !target->empty() && !auth::is_display_name(*target))
        return c->fail(wrong_value("target", "\"target\" must have at most 120 bytes and no control characters"));
    if (auto error = check_visitor_secrets(password, basic)) return c->fail(*error);
    if (domain && !domain->empty()) {
        const auto label = parts_.names.label(*domain);
        if (label.find('.') != std::string::npos)
            return c->fail(wrong_value("custom_domain", "This server gives names below " + parts_.options.domain +
                                                            " only: ask for one with \"subdomain\""));
        name = label;
    }
    const auto shown = target && !target->empty() ? *target : port ? "localhost:" + std::to_string(*port) : "";
    if (c->key.id.empty()) return create_anonymous_tunnel(c, name.value_or(""), shown, password, basic);
    create_or_keep_tunnel(c, name.value_or(""), shown, password, basic);
}

void api::create_anonymous_tunnel(const call_ptr& c, const std::string& name, const std::string& target,
                                  const secret& password, const secret& basic) {
    if (!name.empty())
        return c->fail(failure(errc::forbidden, "A name of one's own takes an account: sign in, then ask for it again"),
                       "subdomain");
    auto created = parts_.audit.together(
        [&] { return parts_.admissions.create_anonymous(target, c->request.remote_address, password, basic); },
        [&](const store::tunnel& t) { return guard_.event(c, "tunnel.created").about(t.id).with("name", t.name); });
    if (!created) return c->fail(created.error());
    c->reply(201, describe_published(*created, false));
}

// Published clients make the tunnel anew at each start, also when the last one crashed: what the account has already is
// not taken.
void api::create_or_keep_tunnel(const call_ptr& c, const std::string& name, const std::string& target,
                                const secret& password, const secret& basic) {
    auto wanted = parts_.admissions.prepare(c->key.account_id, name, target);
    if (!wanted && wanted.error().code == errc::plan_limit) return refuse_by_plan(c, wanted.error());
    if (!wanted) return c->fail(wanted.error(), wanted.error().code == errc::store_failed ? "" : "subdomain");
    wanted->access = seal_access(parts_.pepper, wanted->name, password, basic);
    if (name.empty()) wanted->kind = store::lease_kind::random;
    auto known = parts_.data.find_tunnel(c->key.account_id, wanted->name);
    if (!known) return c->fail(known.error());
    if (*known) {
        if (auto changed = parts_.data.change_tunnel((*known)->id, target, wanted->access); !changed)
            return c->fail(changed.error());
        auto kept = **known;
        kept.target = target;
        return c->reply(201, describe_published(kept, live().contains(kept.id)));
    }
    auto created = parts_.audit.together(
        [&] { return parts_.admissions.create(*wanted); },
        [&](const store::tunnel& t) { return guard_.event(c, "tunnel.created").about(t.id).with("name", t.name); });
    if (!created) return c->fail(created.error(), "subdomain");
    c->reply(201, describe_published(*created, false));
}

void api::list_published_tunnels(const call_ptr& c) {
    auto body = nlohmann::ordered_json::array();
    // Whoever has no account is told nothing of the tunnels of others who have none.
    if (c->key.id.empty()) return c->reply(200, body);
    auto tunnels = parts_.data.list_tunnels(c->key.account_id, max_published_tunnels);
    if (!tunnels) return c->fail(tunnels.error());
    const auto connected = live();
    for (const auto& t : *tunnels)
        body.push_back(describe_published(t, connected.contains(t.id)));
    c->reply(200, body);
}

void api::remove_published_tunnel(const call_ptr& c) {
    const auto found = find_tunnel(c);
    if (!found || !end_tunnel(c, *found)) return;
    nlohmann::ordered_json body;
    body["status"] = "stopped";
    body["subdomain"] = found->name;
    c->reply(200, body);
}

void api::show_name_exists(const call_ptr& c) {
    const auto found = parts_.data.find_tunnel_by_name(parts_.names.label(c->parameter));
    if (!found) return c->fail(found.error());
    nlohmann::ordered_json body;
    body["exists"] = found->has_value();
    c->reply(200, body);
}

void api::show_host_exists(const call_ptr& c) {
    const auto label = parts_.names.label(c->parameter);
    const auto found = parts_.names.host(label) == c->parameter ? parts_.data.find_tunnel_by_name(label)
                                                                : outcome<std::optional<store::tunnel>>(std::nullopt);
    if (!found) return c->fail(found.error());
    if (!*found) return c->fail(error_with_status(404, "There is no tunnel with this host"));
    nlohmann::ordered_json body;
    body["exists"] = true;
    c->reply(200, body);
}

}  // namespace instatunnel::service
