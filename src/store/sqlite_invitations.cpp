#include "sqlite_store.hpp"

namespace instatunnel::store {
namespace {

#define IT_INVITATION_QUERY                                                                            \
    "SELECT i.id, i.code_digest, coalesce(i.inviter_account_id, ''), coalesce(u.email, ''), i.plan, "  \
    "i.credit, i.inviter_plan, i.inviter_credit, i.uses_allowed, i.uses, i.created_at, i.expires_at, " \
    "i.revoked_at FROM invitations i LEFT JOIN memberships m ON m.account_id = i.inviter_account_id "  \
    "AND m.role = 'owner' LEFT JOIN users u ON u.id = m.user_id "

#define IT_REFERRAL_QUERY                                                                                     \
    "SELECT r.account_id, coalesce(u.email, ''), coalesce(r.inviter_account_id, ''), coalesce(v.email, ''), " \
    "r.invitation_id, r.credit, r.inviter_credit, r.created_at FROM referrals r "                             \
    "LEFT JOIN memberships m ON m.account_id = r.account_id AND m.role = 'owner' "                            \
    "LEFT JOIN users u ON u.id = m.user_id "                                                                  \
    "LEFT JOIN memberships w ON w.account_id = r.inviter_account_id AND w.role = 'owner' "                    \
    "LEFT JOIN users v ON v.id = w.user_id "

constexpr std::string_view everybody = "*";  // no id has it

invitation read_invitation(const query& row) {
    invitation i;
    i.id = row.text(0);
    i.code_digest = row.text(1);
    i.inviter_account_id = row.text(2);
    i.inviter_email = row.text(3);
    i.plan = row.text(4);
    i.credit = row.count(5);
    i.inviter_plan = row.text(6);
    i.inviter_credit = row.count(7);
    i.uses_allowed = row.count(8);
    i.uses = row.count(9);
    i.created_at = row.time(10);
    i.expires_at = row.time(11);
    i.revoked_at = row.maybe_time(12);
    return i;
}

referral read_referral(const query& row) {
    return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.count(5), row.count(6), row.time(7)};
}

failure no_such_invitation() {
    return {errc::not_found, "There is no such invitation"};
}

}  // namespace

outcome<void> sqlite_store::count_invited(std::string_view account_id, std::uint64_t more, std::uint64_t limit,
                                          wall_time now) {
    query count(*db_,
                "SELECT coalesce(sum(CASE WHEN revoked_at IS NULL AND expires_at > ?2 THEN uses_allowed ELSE uses END),"
                " 0) FROM invitations WHERE inviter_account_id = ?1");
    if (!count.bind(account_id).bind(now).next()) return count.error();
    const auto used = count.count(0);
    if (used + more <= limit) return {};
    return failure(errc::forbidden,
                   "This account may invite " + std::to_string(limit) + " people, and " +
                       std::to_string(limit - std::min(used, limit)) + " of these are left",
                   "Revoke invitations that nobody used, then try again");
}

outcome<void> sqlite_store::add_invitation(const invitation& made, std::uint64_t limit) {
    return db_->in_transaction([&]() -> outcome<void> {
        std::optional<std::string> inviter;
        if (!made.inviter_account_id.empty()) {
            inviter = made.inviter_account_id;
            if (auto free = count_invited(*inviter, made.uses_allowed, limit, made.created_at); !free) return free;
        }
        query add(*db_,
                  "INSERT INTO invitations(id, code_digest, inviter_account_id, plan, credit, inviter_plan, "
                  "inviter_credit, uses_allowed, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        add.bind(made.id).bind_bytes(made.code_digest).bind_or_null(inviter).bind(made.plan).bind(made.credit);
        add.bind(made.inviter_plan).bind(made.inviter_credit).bind(made.uses_allowed);
        return add.bind(made.created_at).bind(made.expires_at).run();
    });
}

outcome<std::optional<invitation>> sqlite_store::find_invitation(std::string_view code_digest) {
    query find(*db_, IT_INVITATION_QUERY "WHERE i.code_digest = ?");
    std::optional<invitation> found;
    if (find.bind_bytes(code_digest).next()) found = read_invitation(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<invitation>> sqlite_store::list_invitations(std::optional<std::string_view> inviter_account_id,
                                                                wall_time now) {
    query list(*db_, IT_INVITATION_QUERY
               "WHERE i.revoked_at IS NULL AND i.expires_at > ?1 AND (?2 = '*' OR i.inviter_account_id = ?2) "
               "ORDER BY i.created_at, i.id LIMIT 10000");
    list.bind(now).bind(inviter_account_id.value_or(everybody));
    std::vector<invitation> found;
    while (list.next())
        found.push_back(read_invitation(list));
    if (list.failed()) return list.error();
    return found;
}

outcome<void> sqlite_store::revoke_invitation(std::optional<std::string_view> inviter_account_id, std::string_view id,
                                              wall_time now) {
    query revoke(*db_,
                 "UPDATE invitations SET revoked_at = ?1 WHERE id = ?2 AND revoked_at IS NULL "
                 "AND (?3 = '*' OR inviter_account_id = ?3)");
    revoke.bind(now).bind(id).bind(inviter_account_id.value_or(everybody));
    if (auto done = revoke.run(); !done) return done;
    if (revoke.changes() == 0) return no_such_invitation();
    return {};
}

outcome<void> sqlite_store::use_invitation(std::string_view code_digest, std::string_view new_account_id,
                                           wall_time now) {
    return db_->in_transaction([&]() -> outcome<void> {
        auto known = find_invitation(code_digest);
        if (!known) return known.error();
        query use(*db_,
                  "UPDATE invitations SET uses = uses + 1 WHERE code_digest = ? AND uses < uses_allowed "
                  "AND revoked_at IS NULL AND expires_at > ?");
        if (auto done = use.bind_bytes(code_digest).bind(now).run(); !done) return done;
        if (use.changes() == 0 || !*known) return no_such_invitation();
        query note(*db_,
                   "INSERT INTO referrals(account_id, inviter_account_id, invitation_id, credit, inviter_credit, "
                   "created_at) VALUES (?, nullif(?, ''), ?, ?, ?, ?)");
        note.bind(new_account_id).bind((*known)->inviter_account_id).bind((*known)->id);
        note.bind((*known)->credit).bind((*known)->inviter_credit).bind(now);
        if (auto done = note.run(); !done) return done;
        return reward(**known, new_account_id);
    });
}

outcome<void> sqlite_store::reward(const invitation& used, std::string_view new_account_id) {
    const auto give = [&](std::string_view account_id, std::uint64_t credit, const std::string& plan) {
        query change(*db_,
                     "UPDATE accounts SET credit = credit + ?, plan = coalesce(nullif(?, ''), plan) WHERE id = ?");
        return change.bind(credit).bind(plan).bind(account_id).run();
    };
    if (auto done = give(new_account_id, used.credit, used.plan); !done) return done;
    return give(used.inviter_account_id, used.inviter_credit, used.inviter_plan);
}

outcome<std::optional<referral>> sqlite_store::find_referral(std::string_view account_id) {
    query find(*db_, IT_REFERRAL_QUERY "WHERE r.account_id = ?");
    std::optional<referral> found;
    if (find.bind(account_id).next()) found = read_referral(find);
    if (find.failed()) return find.error();
    return found;
}

outcome<std::vector<referral>> sqlite_store::list_referrals(std::string_view inviter_account_id) {
    query list(*db_, IT_REFERRAL_QUERY "WHERE r.inviter_account_id = ? ORDER BY r.created_at, r.account_id LIMIT 1000");
    list.bind(inviter_account_id);
    std::vector<referral> found;
    while (list.next())
        found.push_back(read_referral(list));
    if (list.failed()) return list.error();
    return found;
}

}  // namespace instatunnel::store
