#include "instatunnel/service/admin_names.hpp"

#include "admin_data.hpp"
#include "admin_session.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/auth/name_rules.hpp"
#include "instatunnel/base/names.hpp"
#include "name_guard.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t max_listed_names = 100'000;

name_row to_row(store::leased_name&& n) {
    return {std::move(n.name), std::move(n.email), n.kind == store::lease_kind::requested,
            n.created_at,      n.last_used_at,     std::move(n.tunnel_id)};
}

failure nobody_holds(const std::string& name) {
    return {errc::not_found, "Nobody holds the name \"" + name.substr(0, 80) + "\"",
            "See all names: instatunnel admin name ls"};
}

outcome<name_row> find_row(store::store& data, const std::string& name) {
    auto found = data.find_name(name);
    if (!found) return found.error();
    if (!*found) return nobody_holds(name);
    return to_row(std::move(**found));
}

outcome<void> check_not_blocked(store::store& data, const std::string& name) {
    auto usable = name_guard(data).check(name);
    if (usable || usable.error().code != errc::name_reserved) return usable;
    return failure(errc::name_reserved, std::string(usable.error().what()),
                   "See what is blocked: instatunnel admin name ls");
}

}  // namespace

outcome<name_list> list_names(const std::filesystem::path& folder, const std::string& email) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    std::string account_id;
    if (!email.empty()) {
        auto owner = find_user_by_email(data, email);
        if (!owner) return owner.error();
        account_id = owner->account_id;
    }
    auto names = data.list_names(account_id, max_listed_names);
    if (!names) return names.error();
    auto blocked = data.list_blocked_names();
    if (!blocked) return blocked.error();
    name_list list;
    for (auto& n : *names)
        list.names.push_back(to_row(std::move(n)));
    for (auto& b : *blocked)
        list.blocked.push_back({std::move(b.pattern), std::move(b.reason), b.created_at});
    return list;
}

outcome<name_row> reserve_name(const std::filesystem::path& folder, const std::string& name, const std::string& email) {
    const auto label = to_lower(name);
    if (auto usable = auth::check_name(label); !usable) return usable.error();
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    auto owner = find_user_by_email(data, email);
    if (!owner) return owner.error();
    if (auto usable = check_not_blocked(data, label); !usable) return usable.error();
    const auto reserved = (*session)->audit().together(
        [&] { return data.reserve_name(owner->account_id, label, {}, wall_now()); },
        [&] { return (*session)->event("name.reserved").of(owner->account_id).about(label); });
    if (!reserved && reserved.error().code == errc::name_taken)
        return failure(errc::name_taken, std::string(reserved.error().what()),
                       "Take it from there first: instatunnel admin name release " + label);
    if (!reserved) return reserved.error();
    return find_row(data, label);
}

outcome<name_row> release_name(const std::filesystem::path& folder, const std::string& name) {
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto& data = (*session)->data();
    auto held = data.find_name(to_lower(name));
    if (!held) return held.error();
    if (!*held) return nobody_holds(name);
    const auto released = (*session)->audit().together(
        [&] { return data.release_name((*held)->account_id, (*held)->name, wall_now()); },
        [&] { return (*session)->event("name.released").of((*held)->account_id).about((*held)->name); });
    if (!released) return released.error();
    return to_row(std::move(**held));
}

outcome<blocked_row> block_name(const std::filesystem::path& folder, const std::string& pattern,
                                const std::string& reason) {
    const blocked_row row{to_lower(pattern), reason, wall_now()};
    if (auto usable = auth::check_name_pattern(row.pattern); !usable) return usable.error();
    if (!reason.empty() && !auth::is_display_name(reason))
        return failure(errc::usage, "The reason is longer than 120 bytes or cannot be shown as one line",
                       "Choose a shorter one: --reason TEXT");
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    const auto blocked = (*session)->audit().together(
        [&] {
            return (*session)->data().block_name({row.pattern, row.reason, row.created_at}, max_blocked_names);
        },
        [&] { return (*session)->event("name.blocked").about(row.pattern).with("reason", row.reason); });
    if (!blocked) return blocked.error();
    return row;
}

outcome<void> unblock_name(const std::filesystem::path& folder, const std::string& pattern) {
    const auto wanted = to_lower(pattern);
    auto session = admin_session::open_existing(folder);
    if (!session) return session.error();
    auto done = (*session)->audit().together([&] { return (*session)->data().unblock_name(wanted); },
                                             [&] { return (*session)->event("name.unblocked").about(wanted); });
    if (done || done.error().code != errc::not_found) return done;
    return failure(errc::not_found, "\"" + pattern.substr(0, 80) + "\" is not blocked",
                   "See what is: instatunnel admin name ls");
}

}  // namespace instatunnel::service
