#include "admin_input.hpp"
#include "admin_session.hpp"
#include "instatunnel/service/admin_accounts.hpp"
#include "invitation_rules.hpp"

namespace instatunnel::service {
namespace {

// An inviting account's own allowance does not bind the owner of the edge.
constexpr std::uint64_t no_limit = max_credit;

outcome<void> check(const invitation_wish& wish) {
    for (const auto& plan : {wish.plan, wish.inviter_plan})
        if (!plan.empty())
            if (auto usable = check_plan(plan); !usable) return usable;
    if (wish.uses == 0 || wish.uses > max_invitation_uses)
        return failure(errc::usage, "An invitation works 1 to " + std::to_string(max_invitation_uses) + " times",
                       "Write it like: --uses 5");
    if (wish.credit > max_credit || wish.inviter_credit > max_credit)
        return failure(errc::usage, "A credit is at most " + std::to_string(max_credit), "Give less");
    if (wish.life <= std::chrono::seconds(0) || wish.life > longest_invitation_life)
        return failure(errc::usage, "An invitation lasts at most a year", "Write it like: --expires 30d");
    if (wish.inviter.empty() && (wish.inviter_credit > 0 || !wish.inviter_plan.empty()))
        return failure(errc::usage, "There is no inviter who could get that",
                       "Name the account in whose name the invitation is: --inviter EMAIL");
    return {};
}

}  // namespace

outcome<new_invitation> invite(const std::filesystem::path& folder, const invitation_wish& wish) {
    if (auto usable = check(wish); !usable) return usable.error();
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    const auto now = wall_now();
    auto made = make_invitation(now, now + wish.life);
    if (!wish.inviter.empty()) {
        auto inviter = find_account((*session)->data(), wish.inviter);
        if (!inviter) return inviter.error();
        made.record.inviter_account_id = inviter->account_id;
    }
    made.record.plan = wish.plan;
    made.record.credit = wish.credit;
    made.record.inviter_plan = wish.inviter_plan;
    made.record.inviter_credit = wish.inviter_credit;
    made.record.uses_allowed = wish.uses;
    const auto stored =
        (*session)->audit().together([&] { return (*session)->data().add_invitation(made.record, no_limit); },
                                     [&] {
                                         return (*session)
                                             ->event("invitation.created")
                                             .of(made.record.inviter_account_id)
                                             .about(made.record.id)
                                             .with("uses", wish.uses);
                                     });
    if (!stored) return stored.error();
    return new_invitation{made.record.id, std::move(made.code), made.record.expires_at};
}

outcome<std::vector<invitation_row>> list_invitations(const std::filesystem::path& folder) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto found = (*session)->data().list_invitations(std::nullopt, wall_now());
    if (!found) return found.error();
    std::vector<invitation_row> rows;
    for (const auto& i : *found)
        rows.push_back({i.id, i.inviter_email, i.plan, i.credit, i.inviter_plan, i.inviter_credit, i.uses,
                        i.uses_allowed, i.created_at, i.expires_at});
    return rows;
}

outcome<void> revoke_invitation(const std::filesystem::path& folder, const std::string& id) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto revoked =
        (*session)->audit().together([&] { return (*session)->data().revoke_invitation(std::nullopt, id, wall_now()); },
                                     [&] { return (*session)->event("invitation.revoked").about(id); });
    if (!revoked && revoked.error().code == errc::not_found)
        return failure(errc::not_found, "There is no invitation \"" + id.substr(0, 80) + "\"",
                       "See them with: instatunnel admin invite ls");
    return revoked;
}

}  // namespace instatunnel::service
