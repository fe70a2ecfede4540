#include "name_guard.hpp"

#include "instatunnel/auth/name_rules.hpp"

namespace instatunnel::service {

failure name_is_blocked(std::string_view name, const store::blocked_name& by) {
    auto text = "\"" + std::string(name) + "\" is blocked by the owner of this server";
    if (!by.reason.empty()) text += ": " + by.reason;
    return {errc::name_reserved, std::move(text)};
}

outcome<void> name_guard::check(std::string_view name) {
    if (!blocked_) {
        auto read = data_.list_blocked_names();
        if (!read) return read.error();
        blocked_ = std::move(*read);
    }
    for (const auto& b : *blocked_)
        if (auth::matches_name_pattern(b.pattern, name)) return name_is_blocked(name, b);
    return {};
}

outcome<void> name_guard::check_running(const live_tunnel& t) {
    if (auto usable = check(t.name); !usable) return usable;
    auto lease = data_.find_name(t.name);
    if (!lease) return lease.error();
    if (*lease && (*lease)->account_id == t.account_id && (*lease)->tunnel_id == t.tunnel_id) return {};
    return failure(errc::tunnel_closed, "The name \"" + t.name + "\" was given back or taken from the account",
                   "Start again, with this name if it is still free, or with another one");
}

outcome<void> name_guard::end_lost_tunnels(live_tunnels& edge) {
    const auto live = edge.list();
    if (!live) return live.error();
    for (const auto& t : *live) {
        const auto checked = check_running(t);
        if (checked) continue;
        if (checked.error().code == errc::store_failed) return checked;
        edge.close_tunnel(t.tunnel_id, checked.error());
    }
    return {};
}

}  // namespace instatunnel::service
