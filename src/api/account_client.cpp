#include "instatunnel/api/account_client.hpp"

#include "json_call.hpp"
#include "wiped_buffer.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t max_rows = 10'000;

invite_info to_invite(const json& one) {
    return {text(one, "id"), count(one, "uses"), count(one, "uses_allowed"), text(one, "expires_at")};
}

}  // namespace

account_client::account_client(http_client& http, std::string server, const secret& key)
    : http_(http), server_(std::move(server)), key_(key) {
    while (server_.ends_with('/'))
        server_.pop_back();
}

outcome<new_invite> account_client::invite(std::uint64_t uses, const std::optional<std::string>& expires_at) {
    json body = {{"uses", uses}};
    if (expires_at) body["expires_at"] = *expires_at;
    auto reply = json_call(http_, server_).send("POST", "/auth/invites", &key_, body.dump(), question::with_key);
    if (!reply) return reply.error();
    new_invite made;
    made.info = to_invite(*reply);
    made.code = secret(text(*reply, "code"));
    if (made.info.id.empty() || made.code.empty()) return unexpected(server_);
    return made;
}

outcome<invites_info> account_client::invites() {
    auto reply = json_call(http_, server_).send("GET", "/auth/invites", &key_, {}, question::with_key);
    if (!reply) return reply.error();
    const auto& invites = member(*reply, "invites");
    const auto& invited = member(*reply, "invited");
    if (!invites.is_array() || !invited.is_array() || invites.size() > max_rows || invited.size() > max_rows)
        return unexpected(server_);
    invites_info info;
    for (const auto& one : invites)
        info.invites.push_back(to_invite(one));
    for (const auto& one : invited)
        info.invited.push_back({text(one, "email"), text(one, "joined_at")});
    info.allowed = count(*reply, "invites_per_account");
    info.credit = count(*reply, "credit");
    info.invited_by = text(*reply, "invited_by");
    return info;
}

outcome<void> account_client::revoke_invite(const std::string& id) {
    const failure unknown(errc::not_found, "There is no invitation \"" + id.substr(0, 80) + "\" in this account",
                          "See them with: instatunnel invite ls");
    // These would change the path instead of naming something in it (RFC 3986 §5.2.4).
    if (id.empty() || id == "." || id == "..") return unknown;
    const auto path = "/auth/invites/" + encode_path_segment(id);
    auto reply = json_call(http_, server_).send("DELETE", path, &key_, {}, question::with_key);
    if (!reply) return reply.error().code == errc::not_found ? unknown : reply.error();
    return {};
}

outcome<std::uint64_t> account_client::change_password(const secret& current, const secret& next,
                                                       const std::string& end_keys) {
    wiped_buffer body;
    body.append(R"({"current":)").append_json(current.reveal());
    body.append(R"(,"new":)").append_json(next.reveal());
    body.append(R"(,"revoke_keys":)").append_json(end_keys).append("}");
    const auto sent = body.take();
    auto reply = json_call(http_, server_).send("POST", "/auth/password", &key_, sent.reveal(), question::with_key);
    if (!reply) return reply.error();
    return count(*reply, "revoked_keys");
}

outcome<void> account_client::resend_verification() {
    auto reply = json_call(http_, server_).send("POST", "/auth/verify-email/resend", &key_, {}, question::with_key);
    if (!reply) return reply.error();
    return {};
}

}  // namespace instatunnel::api
