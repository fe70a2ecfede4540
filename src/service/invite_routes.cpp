#include "api.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/base/clock.hpp"
#include "invitation_rules.hpp"
#include "json_body.hpp"

namespace instatunnel::service {
namespace {

nlohmann::ordered_json row_of(const store::invitation& i) {
    nlohmann::ordered_json row;
    row["id"] = i.id;
    row["uses"] = i.uses;
    row["uses_allowed"] = i.uses_allowed;
    row["credit"] = i.credit;
    row["inviter_credit"] = i.inviter_credit;
    row["created_at"] = to_rfc3339(i.created_at);
    row["expires_at"] = to_rfc3339(i.expires_at);
    return row;
}

nlohmann::ordered_json row_of(const store::referral& r) {
    nlohmann::ordered_json row;
    row["email"] = auth::mask_email(r.email);
    row["invitation_id"] = r.invitation_id;
    row["inviter_credit"] = r.inviter_credit;
    row["joined_at"] = to_rfc3339(r.created_at);
    return row;
}

// What may be asked for; `error` if it may not.
struct wanted_invite {
    std::uint64_t uses = 1;
    wall_time expires_at;
    std::optional<api_error> error;
};

wanted_invite read_wanted(const call& c, wall_time now) {
    json_body body(c.request.body.reveal());
    wanted_invite wanted;
    wanted.uses = body.number("uses").value_or(1);
    const auto expires = body.text("expires_at");
    wanted.error = body.error();
    if (wanted.error) return wanted;
    if (wanted.uses == 0 || wanted.uses > max_invitation_uses)
        wanted.error = wrong_value("uses", "\"uses\" must be 1 to " + std::to_string(max_invitation_uses));
    const auto at = expires ? parse_rfc3339(*expires) : now + default_invitation_life;
    if (!at || *at <= now || *at > now + longest_invitation_life)
        wanted.error =
            wrong_value("expires_at", "\"expires_at\" must be a time within the next year, like 2030-01-31T00:00:00Z");
    else
        wanted.expires_at = *at;
    return wanted;
}

}  // namespace

void api::create_invite(const call_ptr& c) {
    if (parts_.options.invites_per_account == 0)
        return c->fail(failure(errc::forbidden, "Accounts cannot invite people on this server: ask its owner"));
    const auto wanted = read_wanted(*c, parts_.settings.now());
    if (wanted.error) return c->fail(*wanted.error);
    auto made = make_invitation(parts_.settings.now(), wanted.expires_at);
    made.record.inviter_account_id = c->key.account_id;
    made.record.uses_allowed = wanted.uses;
    made.record.credit = made.record.inviter_credit = parts_.options.referral_credit;
    const auto stored = parts_.audit.together(
        [&] { return parts_.data.add_invitation(made.record, parts_.options.invites_per_account); },
        [&] { return guard_.event(c, "invitation.created").about(made.record.id).with("uses", wanted.uses); });
    if (!stored) return c->fail(stored.error());
    auto body = row_of(made.record);
    body["code"] = made.code.reveal();
    c->reply(201, body);
}

void api::list_invites(const call_ptr& c) {
    const auto& account = c->key.account_id;
    auto invitations = parts_.data.list_invitations(account, parts_.settings.now());
    if (!invitations) return c->fail(invitations.error());
    auto came = parts_.data.list_referrals(account);
    if (!came) return c->fail(came.error());
    auto user = parts_.data.find_user(c->key.user_id);
    if (!user) return c->fail(user.error());
    auto by = parts_.data.find_referral(account);
    if (!by) return c->fail(by.error());

    nlohmann::ordered_json body;
    body["invites"] = nlohmann::ordered_json::array();
    for (const auto& i : *invitations)
        body["invites"].push_back(row_of(i));
    body["invited"] = nlohmann::ordered_json::array();
    for (const auto& r : *came)
        body["invited"].push_back(row_of(r));
    body["invites_per_account"] = parts_.options.invites_per_account;
    body["credit"] = *user ? (*user)->credit : 0;
    body["invited_by"] = nullptr;
    if (*by && !(*by)->inviter_email.empty()) body["invited_by"] = auth::mask_email((*by)->inviter_email);
    c->reply(200, body);
}

void api::revoke_invite(const call_ptr& c) {
    const auto revoked = parts_.audit.together(
        [&] { return parts_.data.revoke_invitation(c->key.account_id, c->parameter, parts_.settings.now()); },
        [&] { return guard_.event(c, "invitation.revoked").about(c->parameter); });
    if (!revoked) return c->fail(revoked.error());
    c->reply_empty();
}

}  // namespace instatunnel::service
