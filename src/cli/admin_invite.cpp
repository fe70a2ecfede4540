#include "admin_invite.hpp"

#include "admin_user.hpp"
#include "count.hpp"
#include "data_folder.hpp"
#include "duration.hpp"
#include "instatunnel/service/admin_accounts.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

outcome<service::invitation_wish> to_wish(const admin_invite_options& o) {
    service::invitation_wish wish;
    const auto life = parse_days(o.expires);
    if (!life) return failure(errc::usage, "--expires is not a time", "Write it like --expires 30d");
    wish.life = *life;
    const auto uses = parse_count(o.uses, "--uses");
    if (!uses) return uses.error();
    const auto credit = parse_count(o.credit, "--credit");
    if (!credit) return credit.error();
    const auto inviter_credit = parse_count(o.inviter_credit, "--inviter-credit");
    if (!inviter_credit) return inviter_credit.error();
    wish.uses = *uses;
    wish.credit = *credit;
    wish.inviter_credit = *inviter_credit;
    wish.plan = o.plan;
    wish.inviter = o.inviter;
    wish.inviter_plan = o.inviter_plan;
    return wish;
}

outcome<exit_code> create(const admin_invite_options& options, context& c) {
    const auto wish = to_wish(options);
    if (!wish) return wish.error();
    const auto made = service::invite(data_folder(options.data, c), *wish);
    if (!made) return made.error();
    if (c.term.json()) {
        json_line line("admin.invite");
        line.with("id", made->id).with("code", made->code.reveal()).with("uses_allowed", wish->uses);
        c.term.result(line.with("expires_at", to_rfc3339(made->expires_at)).text());
        return exit_code::done;
    }
    c.term.result("✅ Invitation " + made->id + ", until " + to_rfc3339(made->expires_at));
    c.term.result("🎟️ Code: " + std::string(made->code.reveal()));
    c.term.notice("The code is shown this once. It is given with: instatunnel login --register --invite CODE");
    return exit_code::done;
}

json_line to_json(const service::invitation_row& row) {
    auto object = json_line::object();
    object.with("id", row.id);
    object.with("inviter", row.inviter.empty() ? std::optional<std::string>() : row.inviter);
    object.with("plan", row.plan.empty() ? std::optional<std::string>() : row.plan).with("credit", row.credit);
    object.with("inviter_plan", row.inviter_plan.empty() ? std::optional<std::string>() : row.inviter_plan);
    object.with("inviter_credit", row.inviter_credit).with("uses", row.uses).with("uses_allowed", row.uses_allowed);
    return object.with("created_at", to_rfc3339(row.created_at)).with("expires_at", to_rfc3339(row.expires_at));
}

outcome<exit_code> list(const admin_invite_options& options, context& c) {
    const auto rows = service::list_invitations(data_folder(options.data, c));
    if (!rows) return rows.error();
    if (c.term.json()) {
        std::vector<json_line> objects;
        for (const auto& row : *rows)
            objects.push_back(to_json(row));
        c.term.result(json_line("admin.invites").with_objects("invites", objects).text());
        return exit_code::done;
    }
    for (const auto& row : *rows)
        c.term.result(row.id + "  " + std::to_string(row.uses) + " of " + std::to_string(row.uses_allowed) +
                      " used  until " + to_rfc3339(row.expires_at) +
                      (row.inviter.empty() ? "" : "  by " + printable(row.inviter)));
    if (rows->empty()) c.term.notice("There are no invitations. Make one: instatunnel admin invite");
    return exit_code::done;
}

outcome<exit_code> revoke(const admin_invite_options& options, context& c) {
    if (auto done = service::revoke_invitation(data_folder(options.data, c), options.id); !done) return done.error();
    if (c.term.json())
        c.term.result(json_line("admin.invite.revoked").with("id", options.id).text());
    else
        c.term.result("✅ Invitation revoked: " + printable(options.id));
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_admin_invite(const admin_invite_options& options, context& c) {
    switch (options.what) {
        case admin_invite_options::action::list:
            return list(options, c);
        case admin_invite_options::action::revoke:
            return revoke(options, c);
        case admin_invite_options::action::create:
            break;
    }
    return create(options, c);
}

}  // namespace instatunnel::cli
