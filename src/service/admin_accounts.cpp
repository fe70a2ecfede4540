#include "instatunnel/service/admin_accounts.hpp"

#include "account_links.hpp"
#include "admin_input.hpp"
#include "admin_session.hpp"
#include "instatunnel/auth/one_time_token.hpp"

namespace instatunnel::service {
namespace {

outcome<void> add_figures(account_details& details, store::store& data, const store::user& u) {
    auto keys = data.list_keys(u.account_id);
    if (!keys) return keys.error();
    details.keys = keys->size();
    auto usage = data.find_usage(u.account_id);
    if (!usage) return usage.error();
    details.tunnels_created = usage->tunnels_created;
    details.requests = usage->requests;
    details.bytes_in = usage->bytes_in;
    details.bytes_out = usage->bytes_out;
    return {};
}

outcome<void> add_referrals(account_details& details, store::store& data, const store::user& u) {
    auto by = data.find_referral(u.account_id);
    if (!by) return by.error();
    if (*by) details.invited_by = (*by)->inviter_email;
    auto came = data.list_referrals(u.account_id);
    if (!came) return came.error();
    for (const auto& r : *came)
        details.invited.push_back(r.email);
    return {};
}

outcome<account_details> describe(store::store& data, const std::string& user) {
    auto u = find_account(data, user);
    if (!u) return u.error();
    account_details details;
    details.id = u->id;
    details.email = u->email;
    details.name = u->name;
    details.plan = u->plan;
    details.disabled = u->disabled;
    details.email_verified = u->verified_at.has_value();
    details.has_password = !u->password_hash.empty();
    details.credit = u->credit;
    details.created_at = u->created_at;
    if (auto done = add_figures(details, data, *u); !done) return done.error();
    if (auto done = add_referrals(details, data, *u); !done) return done.error();
    return details;
}

// Changes one account with `change` (store, user → outcome<void>), notes that as `action`, and says what it is now.
template <class Change>
outcome<account_details> change_user(const std::filesystem::path& folder, const std::string& user,
                                     std::string_view action, const std::string& value, Change change) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    auto u = find_account(data, user);
    if (!u) return u.error();
    const outcome<void> done = (*session)->audit().together([&]() -> outcome<void> { return change(data, *u); },
                                                            [&] {
                                                                auto event = (*session)->event(action);
                                                                event.of(u->account_id).about(u->email);
                                                                if (!value.empty()) event.with("to", value);
                                                                return event;
                                                            });
    if (!done) return done.error();
    return describe(data, u->id);
}

}  // namespace

outcome<account_details> show_user(const std::filesystem::path& folder, const std::string& user) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    return describe((*session)->data(), user);
}

outcome<account_details> disable_user(const std::filesystem::path& folder, const std::string& user, bool disabled) {
    const auto change = [&](store::store& data, const store::user& u) { return data.disable_user(u.id, disabled); };
    return change_user(folder, user, disabled ? "account.disabled" : "account.enabled", {}, change);
}

outcome<account_details> set_user_plan(const std::filesystem::path& folder, const std::string& user,
                                       const std::string& plan) {
    if (auto usable = check_plan(plan); !usable) return usable.error();
    const auto change = [&](store::store& data, const store::user& u) { return data.set_plan(u.account_id, plan); };
    return change_user(folder, user, "account.plan_changed", plan, change);
}

outcome<account_details> rename_user(const std::filesystem::path& folder, const std::string& user,
                                     const std::string& name) {
    if (auto usable = check_display_name(name); !usable) return usable.error();
    const auto change = [&](store::store& data, const store::user& u) { return data.rename_user(u.id, name); };
    return change_user(folder, user, "account.renamed", name, change);
}

outcome<account_details> turn_off_two_factor(const std::filesystem::path& folder, const std::string& user) {
    const auto change = [&](store::store& data, const store::user& u) -> outcome<void> {
        const auto factor = data.find_two_factor(u.id);
        if (!factor) return factor.error();
        if (!*factor || !(*factor)->confirmed_at)
            return failure(errc::usage, "Two-factor sign-in is not on for " + u.email);
        return data.remove_two_factor(u.id);
    };
    return change_user(folder, user, "two_factor.off", {}, change);
}

outcome<account_details> remove_user(const std::filesystem::path& folder, const std::string& user) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    auto u = find_account(data, user);
    if (!u) return u.error();
    auto details = describe(data, u->id);
    if (!details) return details;
    const auto removed = (*session)->audit().together(
        [&] { return data.remove_user(u->id); },
        [&] { return (*session)->event("account.removed").of(u->account_id).about(u->email); });
    if (!removed) return removed.error();
    return details;
}

outcome<reset_link> make_reset_link(const std::filesystem::path& folder, const std::string& user,
                                    const std::string& server) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    auto u = find_account(data, user);
    if (!u) return u.error();
    auto base = data.find_setting(api_url_setting);
    if (!base) return base.error();
    if (server.empty() && !*base)
        return failure(errc::usage, "No edge has served this data yet, so the address of the link is not known",
                       "Start the edge once, or name it: --server https://api.t.example.com");
    const auto token = auth::make_one_time_token();
    store::one_time_token record;
    record.digest = auth::one_time_digest(token.reveal());
    record.user_id = u->id;
    record.created_at = wall_now();
    record.expires_at = record.created_at + reset_link_life;
    const auto stored = (*session)->audit().together(
        [&] { return data.put_token(record); },
        [&] { return (*session)->event("password.link_made").of(u->account_id).about(u->email); });
    if (!stored) return stored.error();
    return reset_link{u->email, link_url(server.empty() ? **base : server, link_purpose::reset_password, token),
                      record.expires_at};
}

}  // namespace instatunnel::service
