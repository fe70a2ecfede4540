#include "invite.hpp"

#include "account_session.hpp"
#include "auth_keys.hpp"
#include "count.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

outcome<exit_code> create(const invite_options& options, context& c) {
    const auto uses = parse_count(options.uses, "--uses");
    if (!uses) return uses.error();
    const auto expires_at = parse_expiry(options.expires, wall_now());
    if (!expires_at) return expires_at.error();
    auto session = account_session::open(c);
    if (!session) return session.error();
    const auto made = (*session)->account().invite(*uses, *expires_at);
    if (!made) return (*session)->explain(made.error());
    if (c.term.json()) {
        json_line line("invite.created");
        line.with("id", made->info.id).with("code", made->code.reveal());
        line.with("uses_allowed", made->info.uses_allowed).with("expires_at", made->info.expires_at);
        c.term.result(line.text());
        return exit_code::done;
    }
    // The code alone on stdout, so that a script can catch it; nobody will see it again.
    c.term.result(printable(std::string(made->code.reveal())));
    c.term.notice("✅ Invitation " + printable(made->info.id) + ", until " + printable(made->info.expires_at) +
                  ". It is given with: instatunnel login --register --invite CODE");
    return exit_code::done;
}

json_line to_json(const api::invite_info& one) {
    auto object = json_line::object();
    object.with("id", one.id).with("uses", one.uses).with("uses_allowed", one.uses_allowed);
    return object.with("expires_at", one.expires_at);
}

void print_list_json(const api::invites_info& info, context& c) {
    std::vector<json_line> invites, invited;
    for (const auto& one : info.invites)
        invites.push_back(to_json(one));
    for (const auto& one : info.invited)
        invited.push_back(json_line::object().with("email", one.email).with("joined_at", one.joined_at));
    json_line line("invite.list");
    line.with_objects("invites", invites).with_objects("invited", invited);
    line.with("invites_per_account", info.allowed).with("credit", info.credit);
    line.with("invited_by", info.invited_by.empty() ? std::optional<std::string>() : info.invited_by);
    c.term.result(line.text());
}

outcome<exit_code> list(context& c) {
    auto session = account_session::open(c);
    if (!session) return session.error();
    const auto info = (*session)->account().invites();
    if (!info) return (*session)->explain(info.error());
    if (c.term.json()) {
        print_list_json(*info, c);
        return exit_code::done;
    }
    for (const auto& one : info->invites)
        c.term.result(printable(one.id) + "  " + std::to_string(one.uses) + " of " + std::to_string(one.uses_allowed) +
                      " used  until " + printable(one.expires_at));
    for (const auto& one : info->invited)
        c.term.result("👤 " + printable(one.email) + " came at " + printable(one.joined_at));
    if (info->invites.empty() && info->invited.empty()) c.term.notice("There are no invitations");
    c.term.result("Credit: " + std::to_string(info->credit));
    if (!info->invited_by.empty()) c.term.result("Invited by: " + printable(info->invited_by));
    return exit_code::done;
}

outcome<exit_code> revoke(const invite_options& options, context& c) {
    auto session = account_session::open(c);
    if (!session) return session.error();
    if (auto done = (*session)->account().revoke_invite(options.id); !done) return (*session)->explain(done.error());
    if (c.term.json())
        c.term.result(json_line("invite.revoked").with("id", options.id).text());
    else
        c.term.result("✅ Invitation revoked: " + printable(options.id));
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_invite(const invite_options& options, context& c) {
    switch (options.what) {
        case invite_options::action::list:
            return list(c);
        case invite_options::action::revoke:
            return revoke(options, c);
        case invite_options::action::create:
            break;
    }
    return create(options, c);
}

}  // namespace instatunnel::cli
