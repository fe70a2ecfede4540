// Tunnels without an account: published clients open one when they have no key. The number that its maker got is the
// only thing that proves whose it is.

#include <utility>

#include "admission.hpp"
#include "instatunnel/auth/key.hpp"
#include "instatunnel/base/log.hpp"
#include "tunnel_access.hpp"

namespace instatunnel::service {
namespace {

constexpr store::name_limits room_for_all{0, admission::anonymous_in_total};

failure too_many(const std::string& what) {
    return {errc::forbidden, what, "Sign in for tunnels that stay: instatunnel login"};
}

}  // namespace

outcome<store::tunnel> admission::create_anonymous(const std::string& target, const std::string& address,
                                                   const secret& password, const secret& basic) {
    if (!allows_anonymous_) return failure(errc::no_key);
    const auto group = auth::address_group(address);
    const auto there = store_.count_anonymous(group);
    if (!there) return there.error();
    if (there->from_address >= anonymous_per_address)
        return too_many("There are " + std::to_string(there->from_address) +
                        " tunnels without an account from this address already");
    if (there->in_total >= anonymous_in_total)
        return too_many("This server has no room for tunnels without an account");
    auto request = prepare(store::anonymous_account, {}, target);
    if (!request) return request.error();
    request->kind = store::lease_kind::random;
    request->expires_at = tuning_.now() + anonymous_life;
    request->made_from = group;
    request->access = seal_access(pepper_, request->name, password, basic);
    return store_.create_tunnel(*request, room_for_all);
}

outcome<granted_tunnel> admission::admit_anonymous(const tunnel_claim& claim) {
    if (!allows_anonymous_) return failure(errc::no_key);
    const auto now = tuning_.steady();
    if (limits_.check_wrong_keys(claim.remote_address, now)) return failure(errc::rate_limited);
    if (limits_.take_call_without_key(claim.remote_address, now).wait) return failure(errc::rate_limited);
    const auto number = tunnel_number(claim.existing_host);
    auto known = number ? store_.find_tunnel_by_number(*number) : outcome<std::optional<store::tunnel>>(std::nullopt);
    if (!known) return known.error();
    if (!*known || !(*known)->expires_at || *(*known)->expires_at < tuning_.now()) {
        // Numbers are as hard to guess as keys, and guessing them counts the same.
        limits_.note_wrong_key(claim.remote_address, now);
        note_refusal(claim, {}, errc::not_found);
        return failure(errc::not_found, "There is no such tunnel");
    }
    if (auto usable = guard_.check((*known)->name); !usable) return usable.error();
    store::tunnel_request request;
    request.id = (*known)->id;
    request.account_id = (*known)->account_id;
    request.name = (*known)->name;
    request.kind = store::lease_kind::random;
    request.now = tuning_.now();
    auto opened = store_.open_tunnel(request, room_for_all);
    if (!opened) return opened.error();
    const std::string id[] = {opened->id};
    if (auto renewed = store_.renew_tunnels(id, request.now + anonymous_life); !renewed) return renewed.error();
    return grant(*opened, {});
}

void admission::look_after_anonymous() {
    const auto there = store_.count_anonymous({});
    if (!there || there->in_total == 0 || edge_ == nullptr) return;
    const auto live = edge_->list();
    if (!live) return;
    std::vector<std::string> connected;
    for (const auto& t : *live)
        if (t.account_id == store::anonymous_account) connected.push_back(t.tunnel_id);
    const auto now = tuning_.now();
    if (!store_.renew_tunnels(connected, now + anonymous_life)) return;
    const auto expired = store_.list_expired_tunnels(now);
    if (!expired) return;
    for (const auto& t : *expired)
        if (auto gone = store_.release_name(t.account_id, t.name, now); !gone)
            log::warn("tunnel.not_removed").with("tunnel", t.id).with("reason", gone.error().what());
}

}  // namespace instatunnel::service
