#pragma once

#include <memory>

#include "database.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::store {

/// `store` on SQLite. Accounts, keys, tunnels and the audit log each have their own source file.
class sqlite_store final : public store {
public:
    explicit sqlite_store(std::unique_ptr<database> db) : db_(std::move(db)) {}

    outcome<void> atomically(const std::function<outcome<void>()>& body) override;

    outcome<void> add_user(const user& owner, const std::optional<api_key>& first_key) override;
    outcome<std::optional<user>> find_user_by_email(std::string_view email) override;
    outcome<std::optional<user>> find_user(std::string_view user_id) override;
    outcome<std::vector<user>> list_users() override;
    outcome<void> reset_credentials(std::string_view user_id, std::string_view password_hash,
                                    const api_key& key) override;

    outcome<void> change_password(std::string_view user_id, std::string_view password_hash, wall_time now) override;
    outcome<void> rename_user(std::string_view user_id, std::string_view name) override;
    outcome<void> disable_user(std::string_view user_id, bool disabled) override;
    outcome<void> verify_email(std::string_view user_id, wall_time now) override;
    outcome<void> set_plan(std::string_view account_id, std::string_view plan) override;
    outcome<void> remove_user(std::string_view user_id) override;

    outcome<void> put_token(const one_time_token& token) override;
    outcome<std::optional<one_time_token>> find_token(token_kind kind, std::string_view digest) override;
    outcome<void> take_token(token_kind kind, std::string_view digest, wall_time now) override;

    outcome<void> add_invitation(const invitation& made, std::uint64_t limit) override;
    outcome<std::optional<invitation>> find_invitation(std::string_view code_digest) override;
    outcome<std::vector<invitation>> list_invitations(std::optional<std::string_view> inviter_account_id,
                                                      wall_time now) override;
    outcome<void> revoke_invitation(std::optional<std::string_view> inviter_account_id, std::string_view id,
                                    wall_time now) override;
    outcome<void> use_invitation(std::string_view code_digest, std::string_view new_account_id, wall_time now) override;
    outcome<std::optional<referral>> find_referral(std::string_view account_id) override;
    outcome<std::vector<referral>> list_referrals(std::string_view inviter_account_id) override;

    outcome<void> add_key(const api_key& key, std::uint64_t limit) override;
    outcome<std::optional<api_key>> find_key(std::string_view digest) override;
    outcome<std::optional<api_key>> find_key_by_id(std::string_view account_id, std::string_view key_id) override;
    outcome<std::optional<api_key>> find_key_of_any_account(std::string_view key_id) override;
    outcome<std::vector<api_key>> list_keys(std::string_view account_id) override;
    outcome<void> revoke_key(std::string_view account_id, std::string_view key_id, wall_time now) override;
    outcome<void> rename_key(std::string_view account_id, std::string_view key_id, std::string_view name) override;
    outcome<void> replace_key(std::string_view account_id, std::string_view key_id, std::string_view successor,
                              wall_time ends_at) override;
    outcome<std::vector<std::string>> revoke_keys(std::string_view account_id, key_group which,
                                                  std::string_view spared_key_id, wall_time now) override;
    outcome<void> record_key_uses(std::span<const key_use> uses) override;

    outcome<std::vector<key_address>> record_key_addresses(std::span<const key_address> uses,
                                                           std::uint64_t limit) override;

    outcome<tunnel> open_tunnel(const tunnel_request& request, const name_limits& limits) override;
    outcome<tunnel> create_tunnel(const tunnel_request& request, const name_limits& limits) override;
    outcome<std::optional<std::string>> find_random_name(std::string_view account_id,
                                                         std::string_view instance) override;
    outcome<std::optional<tunnel>> find_tunnel(std::string_view account_id, std::string_view id_or_name) override;
    outcome<std::optional<tunnel>> find_tunnel_by_number(std::uint64_t number) override;
    outcome<std::optional<tunnel>> find_tunnel_by_name(std::string_view name) override;
    outcome<void> change_tunnel(std::string_view tunnel_id, std::string_view target, std::string_view access) override;
    outcome<anonymous_count> count_anonymous(std::string_view made_from) override;
    outcome<std::vector<tunnel>> list_expired_tunnels(wall_time now) override;
    outcome<void> renew_tunnels(std::span<const std::string> tunnel_ids, wall_time expires_at) override;
    outcome<std::vector<tunnel>> list_tunnels(std::string_view account_id, std::uint64_t limit) override;
    outcome<std::uint16_t> lease_port(const port_request& request) override;
    outcome<void> remove_tunnel(std::string_view account_id, std::string_view tunnel_id, wall_time now) override;
    outcome<void> touch_names(std::span<const std::string> tunnel_ids, wall_time now) override;

    outcome<std::optional<leased_name>> find_name(std::string_view name) override;
    outcome<std::vector<leased_name>> list_names(std::string_view account_id, std::uint64_t limit) override;
    outcome<std::uint64_t> count_requested_names(std::string_view account_id) override;
    outcome<void> reserve_name(std::string_view account_id, std::string_view name, const name_limits& limits,
                               wall_time now) override;
    outcome<void> release_name(std::string_view account_id, std::string_view name, wall_time now) override;
    outcome<std::vector<blocked_name>> list_blocked_names() override;
    outcome<void> block_name(const blocked_name& blocked, std::uint64_t limit) override;
    outcome<void> unblock_name(std::string_view pattern) override;

    outcome<std::string> find_plan(std::string_view account_id) override;
    outcome<std::vector<plan_rule>> list_plan_rules() override;
    outcome<void> set_plan_rules(std::span<const plan_rule> rules) override;
    outcome<void> reset_plan(std::string_view plan) override;

    outcome<void> add_usage(std::span<const usage_delta> deltas) override;
    outcome<account_usage> find_usage(std::string_view account_id) override;

    outcome<std::string> settle_setting(std::string_view name, std::string_view value) override;
    outcome<void> put_setting(std::string_view name, std::string_view value) override;
    outcome<std::optional<std::string>> find_setting(std::string_view name) override;
    outcome<void> purge(const purge_before& limits) override;
    outcome<bool> changed_elsewhere() override;

    outcome<void> add_audit(const audit_record& record) override;
    outcome<std::optional<audit_record>> find_last_audit() override;
    outcome<std::optional<audit_record>> find_audit(std::uint64_t seq) override;
    outcome<std::vector<audit_record>> list_audit(const audit_filter& filter) override;
    outcome<audit_anchor> find_audit_anchor() override;
    outcome<void> cut_audit(const audit_anchor& anchor) override;
    // sqlite_oauth_clients.cpp, sqlite_oauth_tokens.cpp, sqlite_devices.cpp:
    outcome<void> put_client(const oauth_client& client) override;
    outcome<std::optional<oauth_client>> find_client(std::string_view id) override;
    outcome<std::vector<oauth_client>> list_clients(std::string_view account_id) override;
    outcome<std::uint64_t> count_clients(client_origin origin) override;
    outcome<std::vector<std::string>> remove_client(std::string_view account_id, std::string_view id,
                                                    wall_time now) override;
    outcome<std::vector<std::string>> revoke_tokens_of(std::string_view user_id, wall_time now) override;
    outcome<oauth_grant> widen_grant(const oauth_grant& grant) override;
    outcome<std::optional<oauth_grant>> find_grant(std::string_view user_id, std::string_view client_id,
                                                   std::string_view resource) override;
    outcome<std::vector<oauth_grant>> list_grants(std::string_view user_id) override;
    outcome<std::vector<std::string>> revoke_grant(std::string_view user_id, std::string_view grant_id,
                                                   wall_time now) override;
    outcome<void> add_code(const oauth_code& code) override;
    outcome<std::optional<first_use<oauth_code>>> use_code(std::string_view digest, wall_time now) override;
    outcome<void> add_oauth_token(const oauth_token& token) override;
    outcome<std::optional<oauth_token>> find_oauth_token(std::string_view digest) override;
    outcome<std::optional<oauth_token>> find_oauth_token_by_id(std::string_view id) override;
    outcome<std::optional<first_use<oauth_token>>> use_refresh_token(std::string_view digest, wall_time now) override;
    outcome<void> revoke_oauth_token(std::string_view id, wall_time now) override;
    outcome<std::vector<std::string>> revoke_family(std::string_view family_id, wall_time now) override;
    outcome<void> add_device_request(const device_request& request) override;
    outcome<std::optional<device_request>> find_device_request(std::string_view device_digest) override;
    outcome<std::optional<device_request>> find_device_request_by_user_code(std::string_view digest) override;
    outcome<void> update_device_request(const device_request& request) override;
    outcome<void> remove_device_request(std::string_view device_digest) override;
    outcome<void> purge_oauth(wall_time limit, wall_time unused_clients) override;

    // sqlite_sessions.cpp:
    outcome<void> add_web_session(const web_session& session) override;
    outcome<std::optional<web_session>> find_web_session(std::string_view digest) override;
    outcome<std::vector<web_session>> list_web_sessions(std::string_view user_id) override;
    outcome<void> touch_web_session(std::string_view id, wall_time now) override;
    outcome<void> remove_web_session(std::string_view user_id, std::string_view id) override;
    outcome<void> remove_web_sessions(std::string_view user_id, std::string_view except) override;
    outcome<void> purge_web_sessions(wall_time limit) override;
    outcome<void> put_two_factor(const two_factor& factor) override;
    outcome<std::optional<two_factor>> find_two_factor(std::string_view user_id) override;
    outcome<bool> use_two_factor_step(std::string_view user_id, std::int64_t step) override;
    outcome<void> remove_two_factor(std::string_view user_id) override;
    outcome<void> put_recovery_codes(std::string_view user_id, const std::vector<std::string>& digests) override;
    outcome<bool> use_recovery_code(std::string_view user_id, std::string_view digest) override;
    outcome<std::uint64_t> count_recovery_codes(std::string_view user_id) override;
    outcome<void> add_identity(const outside_identity& identity) override;
    outcome<std::optional<outside_identity>> find_identity(std::string_view issuer, std::string_view subject) override;
    outcome<std::vector<outside_identity>> list_identities(std::string_view user_id) override;
    outcome<void> remove_identity(std::string_view user_id, std::string_view issuer, std::string_view subject) override;

private:
    // Parts of a transaction that the caller has begun.
    outcome<void> insert_key(const api_key& key);
    outcome<bool> record_key_address(const key_address& use, std::uint64_t limit);
    outcome<void> set_password(std::string_view user_id, std::string_view password_hash, wall_time now);
    outcome<void> count_invited(std::string_view account_id, std::uint64_t more, std::uint64_t limit, wall_time now);
    outcome<void> reward(const invitation& used, std::string_view new_account_id);
    outcome<void> lease_name(const tunnel_request& request, const name_limits& limits);
    outcome<void> make_room(const tunnel_request& request, const name_limits& limits);
    outcome<void> insert_tunnel(const tunnel_request& request);
    outcome<void> add_one_usage(const usage_delta& delta);

    std::unique_ptr<database> db_;
    std::int64_t seen_version_ = 0;  // of the data, as SQLite counts the commits of other connections
};

}  // namespace instatunnel::store
