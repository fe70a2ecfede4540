#include "caller.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"
#include "oauth_routes.hpp"

namespace instatunnel::service {

void oauth_routes::list_grants(const call_ptr& c) {
    const auto grants = parts_.data.list_grants(c->key.user_id);
    if (!grants) return c->fail(grants.error());
    nlohmann::ordered_json body;
    body["grants"] = nlohmann::ordered_json::array();
    for (const auto& grant : *grants) {
        nlohmann::ordered_json row;
        row["id"] = grant.id;
        row["client_id"] = grant.client_id;
        row["client_name"] = grant.client_name;
        row["scopes"] = grant.scopes;
        row["resource"] = grant.resource.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(grant.resource);
        row["created_at"] = to_rfc3339(grant.created_at);
        row["last_used"] = optional_time(grant.last_used_at);
        body["grants"].push_back(std::move(row));
    }
    c->reply(200, body);
}

void oauth_routes::revoke_grant(const call_ptr& c) {
    const auto ended = parts_.audit.together(
        [&] { return parts_.data.revoke_grant(c->key.user_id, c->parameter, parts_.settings.now()); },
        [&](const auto& ids) {
            return guard_.event(c, "oauth.grant_revoked").about(c->parameter).with("ended_tokens", ids.size());
        });
    if (!ended) return c->fail(ended.error());
    for (const auto& id : *ended)
        end_caller(parts_, id);
    c->reply_empty();
}

}  // namespace instatunnel::service
