#include "api.hpp"
#include "instatunnel/base/clock.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t max_answered_names = 2000;

}  // namespace

void api::list_names(const call_ptr& c) {
    auto names = parts_.data.list_names(c->key.account_id, max_answered_names);
    if (!names) return c->fail(names.error());
    nlohmann::ordered_json body;
    body["names"] = nlohmann::ordered_json::array();
    for (const auto& n : *names) {
        const auto usable = parts_.guard.check(n.name);
        if (!usable && usable.error().code != errc::name_reserved) return c->fail(usable.error());
        nlohmann::ordered_json row;
        row["name"] = n.name;
        row["host"] = parts_.names.host(n.name);
        row["url"] = parts_.names.url(n.name);
        row["kind"] = n.kind == store::lease_kind::requested ? "requested" : "random";
        row["blocked"] = !usable;
        row["tunnel_id"] = nullptr;
        if (!n.tunnel_id.empty()) row["tunnel_id"] = n.tunnel_id;
        row["created_at"] = to_rfc3339(n.created_at);
        row["last_used_at"] = to_rfc3339(n.last_used_at);
        body["names"].push_back(std::move(row));
    }
    c->reply(200, body);
}

void api::release_name(const call_ptr& c) {
    const auto name = parts_.names.label(c->parameter);
    auto held = parts_.data.find_name(name);
    if (!held) return c->fail(held.error());
    const auto released =
        parts_.audit.together([&] { return parts_.data.release_name(c->key.account_id, name, parts_.settings.now()); },
                              [&] { return guard_.event(c, "name.released").about(name); });
    if (!released) return c->fail(released.error());
    if (parts_.edge != nullptr && *held && !(*held)->tunnel_id.empty())
        parts_.edge->close_tunnel((*held)->tunnel_id, errc::tunnel_closed);
    c->reply_empty();
}

}  // namespace instatunnel::service
