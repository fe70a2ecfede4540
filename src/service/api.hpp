#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <variant>

#include "api_parts.hpp"
#include "call.hpp"
#include "call_guard.hpp"
#include "oauth_routes.hpp"
#include "password_reset.hpp"
#include "request_followers.hpp"
#include "site/site.hpp"

namespace instatunnel::service {

class api;
struct new_account;

/// The function that does what a route is for, of whichever part of the API has it.
using route_handler = std::variant<void (api::*)(const call_ptr&), void (oauth_routes::*)(const call_ptr&),
                                   void (site::*)(const call_ptr&)>;

/// The HTTP API. Runs on the service's thread; a new operation is a row in route_table.cpp and a handler here.
class api {
public:
    explicit api(api_parts parts);

    void handle(api_request request, service::api_callback done);
    /// Calls that wait for requests of visitors; the service looks after them.
    request_followers& followers() noexcept { return followers_; }

    // Handlers answer their call, now or later. register_routes.cpp:
    void register_account(const call_ptr& c);
    // password_routes.cpp:
    void request_reset(const call_ptr& c);
    void reset_password(const call_ptr& c);
    void change_password(const call_ptr& c);
    // profile_routes.cpp:
    void rename_user(const call_ptr& c);
    void verify_email(const call_ptr& c);
    void resend_verification(const call_ptr& c);
    // page_routes.cpp:
    void show_reset_page(const call_ptr& c);
    void submit_reset_page(const call_ptr& c);
    void show_verify_page(const call_ptr& c);
    void submit_verify_page(const call_ptr& c);
    // invite_routes.cpp:
    void create_invite(const call_ptr& c);
    void list_invites(const call_ptr& c);
    void revoke_invite(const call_ptr& c);
    // auth_routes.cpp:
    void log_in(const call_ptr& c);
    void log_out(const call_ptr& c);
    void show_user(const call_ptr& c);
    // key_routes.cpp:
    void list_keys(const call_ptr& c);
    void create_key(const call_ptr& c);
    void show_key(const call_ptr& c);
    void rename_key(const call_ptr& c);
    void rotate_key(const call_ptr& c);
    void revoke_key(const call_ptr& c);
    // audit_routes.cpp:
    void list_audit(const call_ptr& c);
    // tunnel_routes.cpp:
    void create_tunnel(const call_ptr& c);
    void list_tunnels(const call_ptr& c);
    void show_tunnel(const call_ptr& c);
    void remove_tunnel(const call_ptr& c);
    void show_tunnel_stats(const call_ptr& c);
    // log_routes.cpp:
    void list_requests(const call_ptr& c);
    void list_tunnel_requests(const call_ptr& c);
    // published_routes.cpp:
    void remove_published_tunnel(const call_ptr& c);
    void show_name_exists(const call_ptr& c);
    void show_host_exists(const call_ptr& c);
    // name_routes.cpp:
    void list_names(const call_ptr& c);
    void release_name(const call_ptr& c);
    // usage_routes.cpp:
    void show_plan(const call_ptr& c);
    void show_usage(const call_ptr& c);
    void show_health(const call_ptr& c);
    void show_meta(const call_ptr& c);
    void show_description(const call_ptr& c);

private:
    void dispatch(const call_ptr& c);
    void run(const route_handler& handler, const call_ptr& c);
    void answer_unrouted(const call_ptr& c, std::string_view allow);

    bool check_second_factor(const call_ptr& c, const store::user& user, const secret& code);
    void finish_log_in(const call_ptr& c, const store::user& user, const std::string& label);
    void refuse_known_email(const call_ptr& c, const std::string& email);
    bool check_invite(const call_ptr& c, new_account& wanted, const std::optional<std::string>& code);
    void hash_and_register(const call_ptr& c, const new_account& wanted, secret password);
    void finish_register(const call_ptr& c, const new_account& wanted);
    void send_reset_link(const call_ptr& c, const std::string& email);
    /// Who a link belongs to; `error` says why it does not work.
    std::optional<store::user> owner_of_link(store::token_kind kind, std::string_view token,
                                             std::optional<api_error>& error);
    /// Calls `done` once, now or later.
    void reset_with(const call_ptr& c, reset_wish wish, reset_done done);
    reset_result finish_reset(const std::string& address, const store::user& user, const std::string& digest,
                              const std::string& hash, store::key_group revoke);
    void hash_and_change(const call_ptr& c, const store::user& user, secret next, store::key_group revoke);
    std::optional<api_error> verify_with(const call_ptr& c, std::string_view token);
    void end_keys(const std::string& account_id, const std::vector<std::string>& revoked);
    void drop_token(const call_ptr& c);
    void drop_key(const call_ptr& c, const std::string& key_id, std::string_view action);

    using live_by_id = std::unordered_map<std::string, live_tunnel>;
    live_by_id live() const;
    std::uint64_t count_online(const std::string& account_id) const;
    nlohmann::ordered_json describe(const store::account_usage& usage, const std::string& account_id) const;
    void refuse_by_plan(const call_ptr& c, const failure& f);
    nlohmann::ordered_json describe(const store::tunnel& t, const live_by_id& connected, bool with_latency) const;
    std::optional<store::tunnel> find_tunnel(const call_ptr& c);
    void answer_requests(const call_ptr& c, const std::string& tunnel_id);
    bool end_tunnel(const call_ptr& c, const store::tunnel& t);
    nlohmann::ordered_json describe_published(const store::tunnel& t, bool online) const;
    void create_published_tunnel(const call_ptr& c);
    void create_anonymous_tunnel(const call_ptr& c, const std::string& name, const std::string& target,
                                 const secret& password, const secret& basic);
    void create_or_keep_tunnel(const call_ptr& c, const std::string& name, const std::string& target,
                               const secret& password, const secret& basic);
    void list_published_tunnels(const call_ptr& c);

    const api_parts parts_;
    call_guard guard_;
    oauth_routes oauth_;
    site site_;
    request_followers followers_;
    const std::string log_run_;  ///< tells positions in the log of requests from those before a restart
    std::string description_;    ///< made when it is asked for first
};

}  // namespace instatunnel::service
