#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/store/audit_records.hpp"
#include "instatunnel/store/oauth.hpp"
#include "instatunnel/store/records.hpp"
#include "instatunnel/store/sessions.hpp"

namespace instatunnel::store {

/// Everything that survives a restart. Every method is one transaction: when it returns without a failure the change is
/// on the disk, when it fails nothing of it is. No SQL leaves the implementations; a new one passes the contract tests
/// in tests/unit/store/contract.cpp.
///
/// Not thread-safe: one thread at a time. Other processes may use the same data meanwhile.
/// Every method can fail with store_failed (full disk, damage, lock held too long); only further errors are listed.
class store : public oauth_store, public session_store {
public:
    /// Makes one transaction of all calls that `body` makes: when it fails nothing of them stays. Calls may nest; the
    /// outermost one commits. `body` must not keep what it learnt if the whole fails.
    virtual outcome<void> atomically(const std::function<outcome<void>()>& body) = 0;

    /// Adds an account, its owner, the password and, if given, a first key. Errors: already_exists (email).
    virtual outcome<void> add_user(const user& owner, const std::optional<api_key>& first_key) = 0;
    virtual outcome<std::optional<user>> find_user_by_email(std::string_view email) = 0;
    virtual outcome<std::optional<user>> find_user(std::string_view user_id) = 0;
    /// Oldest first.
    virtual outcome<std::vector<user>> list_users() = 0;
    /// Replaces the password and adds a key, both or neither. Errors: not_found.
    virtual outcome<void> reset_credentials(std::string_view user_id, std::string_view password_hash,
                                            const api_key& key) = 0;

    /// Replaces the password; links to choose one die. Errors: not_found.
    virtual outcome<void> change_password(std::string_view user_id, std::string_view password_hash, wall_time now) = 0;
    /// The next ones change one thing of a user or account. Errors: not_found.
    virtual outcome<void> rename_user(std::string_view user_id, std::string_view name) = 0;
    virtual outcome<void> disable_user(std::string_view user_id, bool disabled) = 0;
    virtual outcome<void> verify_email(std::string_view user_id, wall_time now) = 0;
    virtual outcome<void> set_plan(std::string_view account_id, std::string_view plan) = 0;
    /// The user, the account and everything of it: keys, names, tunnels, usage, invitations. Errors: not_found.
    virtual outcome<void> remove_user(std::string_view user_id) = 0;

    /// Adds the token and removes all others of its kind and user.
    virtual outcome<void> put_token(const one_time_token& token) = 0;
    /// Expired ones too.
    virtual outcome<std::optional<one_time_token>> find_token(token_kind kind, std::string_view digest) = 0;
    /// Uses the token up. Errors: not_found (unknown, used, expired).
    virtual outcome<void> take_token(token_kind kind, std::string_view digest, wall_time now) = 0;

    /// `limit`: how many people the inviting account may bring in all in all; not looked at for the edge's owner.
    /// Uses of invitations that were revoked or have expired count only as far as they happened.
    /// Errors: forbidden (limit).
    virtual outcome<void> add_invitation(const invitation& made, std::uint64_t limit) = 0;
    virtual outcome<std::optional<invitation>> find_invitation(std::string_view code_digest) = 0;
    /// Of one account, or all; neither revoked nor expired at `now`, oldest first.
    virtual outcome<std::vector<invitation>> list_invitations(std::optional<std::string_view> inviter_account_id,
                                                              wall_time now) = 0;
    /// Errors: not_found (unknown, another account's, revoked before).
    virtual outcome<void> revoke_invitation(std::optional<std::string_view> inviter_account_id, std::string_view id,
                                            wall_time now) = 0;
    /// Counts one use, notes who brought whom, gives both sides what the invitation promises.
    /// Errors: not_found (unknown, revoked, expired, used up).
    virtual outcome<void> use_invitation(std::string_view code_digest, std::string_view new_account_id,
                                         wall_time now) = 0;
    /// How this account came.
    virtual outcome<std::optional<referral>> find_referral(std::string_view account_id) = 0;
    /// Whom this account brought, oldest first, at most 1,000.
    virtual outcome<std::vector<referral>> list_referrals(std::string_view inviter_account_id) = 0;

    /// Errors: forbidden once the account has `limit` keys that are not revoked.
    virtual outcome<void> add_key(const api_key& key, std::uint64_t limit) = 0;
    /// Revoked and expired ones too: their owner is told what happened to them.
    virtual outcome<std::optional<api_key>> find_key(std::string_view digest) = 0;
    /// Likewise; nullopt for another account's.
    virtual outcome<std::optional<api_key>> find_key_by_id(std::string_view account_id, std::string_view key_id) = 0;
    /// Whichever account has it: for the owner of the edge.
    virtual outcome<std::optional<api_key>> find_key_of_any_account(std::string_view key_id) = 0;
    /// Not revoked, oldest first.
    virtual outcome<std::vector<api_key>> list_keys(std::string_view account_id) = 0;
    /// Errors: not_found (unknown, another account's, revoked before).
    virtual outcome<void> revoke_key(std::string_view account_id, std::string_view key_id, wall_time now) = 0;
    /// Errors: not_found (as for revoke_key).
    virtual outcome<void> rename_key(std::string_view account_id, std::string_view key_id, std::string_view name) = 0;
    /// Notes which key took its place, and brings its end forward to `ends_at`, never back.
    /// Errors: not_found (as for revoke_key, and replaced before).
    virtual outcome<void> replace_key(std::string_view account_id, std::string_view key_id, std::string_view successor,
                                      wall_time ends_at) = 0;
    /// Revokes the keys of a group but `spared_key_id`; returns the ids of those that it revoked.
    virtual outcome<std::vector<std::string>> revoke_keys(std::string_view account_id, key_group which,
                                                          std::string_view spared_key_id, wall_time now) = 0;
    /// Never moves a time backwards; unknown keys are skipped.
    virtual outcome<void> record_key_uses(std::span<const key_use> uses) = 0;

    /// Remembers from where keys are used: of each key the last `limit` addresses. Returns those that are new for a key
    /// which was used from elsewhere before; unknown keys are skipped.
    virtual outcome<std::vector<key_address>> record_key_addresses(std::span<const key_address> uses,
                                                                   std::uint64_t limit) = 0;

    /// A client opens a tunnel: leases the name to the account, makes the tunnel unless it exists.
    /// Errors: name_taken (leased to another account), forbidden (limits).
    virtual outcome<tunnel> open_tunnel(const tunnel_request& request, const name_limits& limits) = 0;
    /// Makes a tunnel for later. Errors: those of open_tunnel, and already_exists.
    virtual outcome<tunnel> create_tunnel(const tunnel_request& request, const name_limits& limits) = 0;
    /// The random name that this client process had before.
    virtual outcome<std::optional<std::string>> find_random_name(std::string_view account_id,
                                                                 std::string_view instance) = 0;
    /// By id or name.
    virtual outcome<std::optional<tunnel>> find_tunnel(std::string_view account_id, std::string_view id_or_name) = 0;
    /// Whichever account has it.
    virtual outcome<std::optional<tunnel>> find_tunnel_by_number(std::uint64_t number) = 0;
    virtual outcome<std::optional<tunnel>> find_tunnel_by_name(std::string_view name) = 0;
    /// Another target and sealed access. Errors: not_found.
    virtual outcome<void> change_tunnel(std::string_view tunnel_id, std::string_view target,
                                        std::string_view access) = 0;
    /// Of tunnels without an account.
    virtual outcome<anonymous_count> count_anonymous(std::string_view made_from) = 0;
    virtual outcome<std::vector<tunnel>> list_expired_tunnels(wall_time now) = 0;
    /// Moves the end of those that have one; others are skipped.
    virtual outcome<void> renew_tunnels(std::span<const std::string> tunnel_ids, wall_time expires_at) = 0;
    /// At most `limit`, last used first.
    virtual outcome<std::vector<tunnel>> list_tunnels(std::string_view account_id, std::uint64_t limit) = 0;
    /// The public port of a tunnel that was opened: the wanted one, the one it had before, or a free one; it stays with
    /// the account. Errors: name_taken (another's, or in use), forbidden (outside of the range, limit), busy (none
    /// left).
    virtual outcome<std::uint16_t> lease_port(const port_request& request) = 0;
    /// The name stays leased; the tunnel's counters stay in the account's. Errors: not_found.
    virtual outcome<void> remove_tunnel(std::string_view account_id, std::string_view tunnel_id, wall_time now) = 0;
    /// Keeps the names of tunnels that are connected now from being purged.
    virtual outcome<void> touch_names(std::span<const std::string> tunnel_ids, wall_time now) = 0;

    virtual outcome<std::optional<leased_name>> find_name(std::string_view name) = 0;
    /// At most `limit`, by name; of all accounts if `account_id` is empty.
    virtual outcome<std::vector<leased_name>> list_names(std::string_view account_id, std::uint64_t limit) = 0;
    /// How many names the account has asked for.
    virtual outcome<std::uint64_t> count_requested_names(std::string_view account_id) = 0;
    /// Leases a name without a tunnel. Errors: name_taken, forbidden (limits).
    virtual outcome<void> reserve_name(std::string_view account_id, std::string_view name, const name_limits& limits,
                                       wall_time now) = 0;
    /// Ends the lease, removes the tunnel that has the name and gives its public port back. Errors: not_found (no such
    /// name, another account's).
    virtual outcome<void> release_name(std::string_view account_id, std::string_view name, wall_time now) = 0;

    /// Oldest first.
    virtual outcome<std::vector<blocked_name>> list_blocked_names() = 0;
    /// A pattern that is there gets the new reason. Errors: forbidden (`limit` patterns are there).
    virtual outcome<void> block_name(const blocked_name& blocked, std::uint64_t limit) = 0;
    /// Errors: not_found.
    virtual outcome<void> unblock_name(std::string_view pattern) = 0;

    /// Plan of an account. Errors: not_found.
    virtual outcome<std::string> find_plan(std::string_view account_id) = 0;
    virtual outcome<std::vector<plan_rule>> list_plan_rules() = 0;
    /// All of them or none.
    virtual outcome<void> set_plan_rules(std::span<const plan_rule> rules) = 0;
    /// Forgets what was set for a plan.
    virtual outcome<void> reset_plan(std::string_view plan) = 0;

    /// Adds to tunnels and to their accounts; unknown tunnels are skipped.
    virtual outcome<void> add_usage(std::span<const usage_delta> deltas) = 0;
    virtual outcome<account_usage> find_usage(std::string_view account_id) = 0;

    /// Stores `value` unless the setting exists; returns what is stored then.
    virtual outcome<std::string> settle_setting(std::string_view name, std::string_view value) = 0;
    virtual outcome<void> put_setting(std::string_view name, std::string_view value) = 0;
    virtual outcome<std::optional<std::string>> find_setting(std::string_view name) = 0;

    virtual outcome<void> purge(const purge_before& limits) = 0;

    /// Whether somebody else (another process, another store on the same data) changed anything since this was last
    /// asked, or since the store was opened. Costs next to nothing.
    virtual outcome<bool> changed_elsewhere() = 0;

    /// Appends a record to the audit log. Between find_last_audit and this another process may have appended: both
    /// belong into one atomically(). Errors: already_exists (seq).
    virtual outcome<void> add_audit(const audit_record& record) = 0;
    virtual outcome<std::optional<audit_record>> find_last_audit() = 0;
    virtual outcome<std::optional<audit_record>> find_audit(std::uint64_t seq) = 0;
    virtual outcome<std::vector<audit_record>> list_audit(const audit_filter& filter) = 0;
    virtual outcome<audit_anchor> find_audit_anchor() = 0;
    /// Removes the records up to and including the anchor's and keeps the anchor. Records go no other way.
    virtual outcome<void> cut_audit(const audit_anchor& anchor) = 0;
};

}  // namespace instatunnel::store
