#include <functional>
#include <map>
#include <set>

#include "catch_outcome.hpp"
#include "instatunnel/auth/one_time_token.hpp"
#include "instatunnel/auth/totp.hpp"
#include "instatunnel/service/audit.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "service/route_table.hpp"
#include "service_fixture.hpp"
#include "site_visitor.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

namespace {

// Calls a route so that it does what it is for; returns its answer.
struct example {
    const char* action;  ///< what the log must say
    std::function<reply(service_fixture&, const std::string& key)> call;
    bool by_nobody = false;  ///< anybody may do it, and nothing tells who it was
    bool of_nobody = false;  ///< it concerns no account
};

std::string id_of_new_key(service_fixture& f, const std::string& key) {
    return f.call("POST", "/v1/auth/keys", key, {{"name", "ci"}, {"permissions", {"tunnels:read"}}}).body["id"];
}

// A link that somebody got, as the store knows it.
std::string link_token(service_fixture& f, store::token_kind kind) {
    auto data = store::open_sqlite(f.folder.path()).value();
    const auto token = auth::make_one_time_token();
    store::one_time_token record;
    record.digest = auth::one_time_digest(token.reveal());
    record.kind = kind;
    record.user_id = data->find_user_by_email("ann@example.com").value()->id;
    record.created_at = wall_now();
    record.expires_at = record.created_at + std::chrono::hours(1);
    REQUIRE(data->put_token(record));
    return std::string(token.reveal());
}

reply send_form(service_fixture& f, const std::string& path, const std::string& form) {
    api_request request;
    request.method = "POST";
    request.path = path;
    request.remote_address = f.address;
    request.body = secret(form);
    return f.call_raw(std::move(request));
}

reply with_invites(service_fixture& f, const std::string& method, const std::string& key) {
    f.options.invites_per_account = 5;
    f.restart();
    const auto made = f.call("POST", "/v1/auth/invites", key);
    if (method == "POST") return made;
    return f.call(method, "/v1/auth/invites/" + made.body["id"].get<std::string>(), key);
}

// Posts that keep nothing: a question about a token, and a request of a device that ends by itself.
const std::set<std::string> without_trace{"POST /oauth/introspect", "POST /oauth/device_authorization"};

nlohmann::json new_client(service_fixture& f, const std::string& key) {
    return f
        .call("POST", "/v1/oauth/clients", key, {{"name", "App"}, {"redirect_uris", {"https://app.example.com/cb"}}})
        .body;
}

site_visitor signed_in(service_fixture& f) {
    site_visitor ann(f);
    ann.sign_in("ann@example.com", "correct horse");
    return ann;
}

reply exchange_code(service_fixture& f, const std::string& key) {
    const auto client = new_client(f, key);
    const auto code = signed_in(f).allow("client_id=" + client["id"].get<std::string>() + "&scope=tunnels:read");
    return f.call("POST", "/v1/oauth/token", "",
                  {{"client_id", client["id"]},
                   {"client_secret", client["client_secret"]},
                   {"grant_type", "authorization_code"},
                   {"code", code}});
}

std::string grant_of_new_app(service_fixture& f, const std::string& key) {
    exchange_code(f, key);
    return f.call("GET", "/v1/oauth/grants", key).body["grants"][0]["id"];
}

// What somebody who is signed in does with the form of a page.
std::function<reply(service_fixture&, const std::string&)> on_page(const std::string& page, const std::string& action,
                                                                   const std::map<std::string, std::string>& fields) {
    return [=](service_fixture& f, const std::string&) {
        auto ann = signed_in(f);
        ann.get(page);
        return ann.post(action, fields);
    };
}

// The two-factor pages, up to `action`; "CODE" is what the authenticator app shows.
std::function<reply(service_fixture&, const std::string&)> with_two_factor(const std::string& action) {
    return [=](service_fixture& f, const std::string&) {
        auto ann = signed_in(f);
        ann.get("/account/security");
        ann.post("/account/security/two-factor", {});
        const auto key = shown_secret(ann.get("/account/security").text);
        const auto code = [&] { return auth::totp_code(key, auth::totp_step(f.settings.now())); };
        const auto on = ann.post("/account/security/two-factor/confirm", {{"code", code()}});
        if (action == "/account/security/two-factor/confirm") return on;
        f.advance(std::chrono::seconds(30));
        if (action != "/sign-in/code") {
            ann.get("/account/security");
            return ann.post(action, {{"code", code()}});
        }
        site_visitor other(f);
        other.get("/sign-in");
        other.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
        return other.post(action, {{"code", code()}});
    };
}

// A new route that changes something needs a line here.
const std::map<std::string, example>& examples() {
    static const std::map<std::string, example> table{
        {"POST /auth/register",
         {"account.registered",
          [](auto& f, const auto&) {
              return f.call("POST", "/v1/auth/register", "",
                            {{"email", "new@example.com"}, {"password", "correct horse staple"}});
          }}},
        {"POST /auth/login",
         {"login.succeeded",
          [](auto& f, const auto&) {
              return f.call("POST", "/v1/auth/login", "",
                            {{"email", "ann@example.com"}, {"password", "correct horse"}});
          }}},
        {"POST /auth/logout",
         {"logout", [](auto& f, const auto& key) { return f.call("POST", "/v1/auth/logout", key); }}},
        {"POST /auth/keys",
         {"key.created",
          [](auto& f, const auto& key) {
              return f.call("POST", "/v1/auth/keys", key, {{"name", "ci"}, {"permissions", {"tunnels:read"}}});
          }}},
        {"DELETE /auth/keys/:id",
         {"key.revoked",
          [](auto& f, const auto& key) { return f.call("DELETE", "/v1/auth/keys/" + id_of_new_key(f, key), key); }}},
        {"PATCH /auth/keys/:id",
         {"key.renamed",
          [](auto& f, const auto& key) {
              return f.call("PATCH", "/v1/auth/keys/" + id_of_new_key(f, key), key, {{"name", "other"}});
          }}},
        {"POST /auth/keys/:id/rotate",
         {"key.rotated",
          [](auto& f, const auto& key) {
              return f.call("POST", "/v1/auth/keys/" + id_of_new_key(f, key) + "/rotate", key);
          }}},
        {"PATCH /auth/user",
         {"account.renamed",
          [](auto& f, const auto& key) {
              return f.call("PATCH", "/v1/auth/user", key, {{"name", "Ann B."}});
          }}},
        {"POST /auth/password",
         {"password.changed",
          [](auto& f, const auto& key) {
              return f.call("POST", "/v1/auth/password", key,
                            {{"current", "correct horse"}, {"new", "gravity falls up"}});
          }}},
        {"POST /auth/password/reset-request",
         {"password.reset_requested",
          [](auto& f, const auto&) {
              auto r = f.call("POST", "/v1/auth/password/reset-request", "", {{"email", "ann@example.com"}});
              f.restart();  // what anybody can cause is written later
              return r;
          },
          /*by_nobody=*/true}},
        {"POST /auth/password/reset",
         {"password.reset",
          [](auto& f, const auto&) {
              return f.call(
                  "POST", "/v1/auth/password/reset", "",
                  {{"token", link_token(f, store::token_kind::password_reset)}, {"password", "gravity falls up"}});
          }}},
        {"POST /auth/reset",
         {"password.reset",
          [](auto& f, const auto&) {
              return send_form(
                  f, "/auth/reset",
                  "token=" + link_token(f, store::token_kind::password_reset) + "&password=gravity+falls+up");
          }}},
        {"POST /auth/verify-email",
         {"email.verified",
          [](auto& f, const auto&) {
              return f.call("POST", "/v1/auth/verify-email", "",
                            {{"token", link_token(f, store::token_kind::email_verification)}});
          }}},
        {"POST /auth/verify",
         {"email.verified",
          [](auto& f, const auto&) {
              return send_form(f, "/auth/verify", "token=" + link_token(f, store::token_kind::email_verification));
          }}},
        {"POST /auth/verify-email/resend",
         {"email.link_sent",
          [](auto& f, const auto& key) { return f.call("POST", "/v1/auth/verify-email/resend", key); }}},
        {"POST /auth/invites",
         {"invitation.created", [](auto& f, const auto& key) { return with_invites(f, "POST", key); }}},
        {"DELETE /auth/invites/:id",
         {"invitation.revoked", [](auto& f, const auto& key) { return with_invites(f, "DELETE", key); }}},
        {"POST /tunnels",
         {"tunnel.created",
          [](auto& f, const auto& key) {
              return f.call("POST", "/v1/tunnels", key, {{"name", "demo"}});
          }}},
        {"DELETE /tunnels/subdomain/:id",
         {"tunnel.removed",
          [](service_fixture& f, const std::string& key) {
              f.call("POST", "/v1/tunnels", key, {{"name", "demo"}});
              return f.call("DELETE", "/tunnels/subdomain/demo", key);
          }}},
        {"DELETE /tunnels/:id",
         {"tunnel.removed",
          [](auto& f, const auto& key) {
              f.call("POST", "/v1/tunnels", key, {{"name", "demo"}});
              return f.call("DELETE", "/v1/tunnels/demo", key);
          }}},
        {"DELETE /names/:id",
         {"name.released",
          [](auto& f, const auto& key) {
              f.call("POST", "/v1/tunnels", key, {{"name", "demo"}});
              return f.call("DELETE", "/v1/names/demo", key);
          }}},
        {"POST /oauth/token", {"oauth.token_issued", exchange_code}},
        {"POST /oauth/revoke",
         {"oauth.token_revoked",
          [](auto& f, const auto& key) {
              const auto client = new_client(f, key);
              const auto code =
                  signed_in(f).allow("client_id=" + client["id"].template get<std::string>() + "&scope=tunnels:read");
              const auto given = f.call("POST", "/v1/oauth/token", "",
                                        {{"client_id", client["id"]},
                                         {"client_secret", client["client_secret"]},
                                         {"grant_type", "authorization_code"},
                                         {"code", code}});
              return f.call("POST", "/v1/oauth/revoke", "",
                            {{"client_id", client["id"]},
                             {"client_secret", client["client_secret"]},
                             {"token", given.body["access_token"]}});
          }}},
        {"POST /oauth/register",
         {"oauth.client_registered",
          [](auto& f, const auto&) {
              return f.call("POST", "/v1/oauth/register", "", {{"redirect_uris", {"https://app.example.com/cb"}}});
          },
          /*by_nobody=*/true, /*of_nobody=*/true}},
        {"POST /oauth/clients",
         {"oauth.client_created",
          [](auto& f, const auto& key) {
              return f.call("POST", "/v1/oauth/clients", key,
                            {{"name", "App"}, {"redirect_uris", {"https://app.example.com/cb"}}});
          }}},
        {"DELETE /oauth/clients/:id",
         {"oauth.client_removed",
          [](auto& f, const auto& key) {
              return f.call("DELETE", "/v1/oauth/clients/" + new_client(f, key)["id"].template get<std::string>(), key);
          }}},
        {"DELETE /oauth/grants/:id",
         {"oauth.grant_revoked",
          [](auto& f, const auto& key) {
              return f.call("DELETE", "/v1/oauth/grants/" + grant_of_new_app(f, key), key);
          }}},
        {"POST /oauth/authorize",
         {"oauth.consent_given",
          [](auto& f, const auto& key) {
              const auto path = "/v1/oauth/authorize?client_id=" + new_client(f, key)["id"].template get<std::string>();
              auto ann = signed_in(f);
              ann.get(path);
              return ann.post(path, {{"decision", "allow"}});
          }}},
        {"POST /sign-in",
         {"session.started",
          [](auto& f, const auto&) {
              site_visitor ann(f);
              ann.get("/sign-in");
              return ann.post("/sign-in", {{"email", "ann@example.com"}, {"password", "correct horse"}});
          }}},
        {"POST /sign-in/code", {"session.started", with_two_factor("/sign-in/code")}},
        {"POST /sign-out", {"session.ended", on_page("/account", "/sign-out", {})}},
        {"POST /device",
         {"oauth.device_allowed",
          [](auto& f, const auto&) {
              const auto asked =
                  f.call("POST", "/v1/oauth/device_authorization", "", {{"client_id", "instatunnel-cli"}});
              auto ann = signed_in(f);
              ann.get("/device");
              return ann.post("/device", {{"user_code", asked.body["user_code"]}, {"decision", "allow"}});
          }}},
        {"POST /account/keys",
         {"key.created", on_page("/account/keys", "/account/keys", {{"name", "x"}, {"scope", "tunnels:read"}})}},
        {"POST /account/keys/rotate",
         {"key.rotated",
          [](auto& f, const auto& key) {
              return on_page("/account/keys", "/account/keys/rotate", {{"key", id_of_new_key(f, key)}})(f, key);
          }}},
        {"POST /account/keys/revoke",
         {"key.revoked",
          [](auto& f, const auto& key) {
              return on_page("/account/keys", "/account/keys/revoke", {{"key", id_of_new_key(f, key)}})(f, key);
          }}},
        {"POST /account/devices/end",
         {"session.ended", on_page("/account/devices", "/account/devices/end", {{"session", "others"}})}},
        {"POST /account/apps/revoke",
         {"oauth.grant_revoked",
          [](auto& f, const auto& key) {
              return on_page("/account/apps", "/account/apps/revoke", {{"grant", grant_of_new_app(f, key)}})(f, key);
          }}},
        {"POST /account/security/two-factor",
         {"two_factor.begun", on_page("/account/security", "/account/security/two-factor", {})}},
        {"POST /account/security/two-factor/confirm",
         {"two_factor.on", with_two_factor("/account/security/two-factor/confirm")}},
        {"POST /account/security/two-factor/off",
         {"two_factor.off", with_two_factor("/account/security/two-factor/off")}},
        {"POST /account/security/recovery-codes",
         {"two_factor.codes_renewed", with_two_factor("/account/security/recovery-codes")}},
    };
    return table;
}

}  // namespace

TEST_CASE("every route that changes something leaves who, what and to what") {
    for (const auto& r : routes()) {
        const auto name = std::string(r.method) + " " + std::string(r.pattern);
        if (r.method == "GET" || without_trace.contains(name)) continue;
        INFO(name);
        const auto known = examples().find(name);
        if (known == examples().end()) FAIL_CHECK("no example of this route stands in this test");
        if (known == examples().end()) continue;
        service_fixture f;
        const auto key = f.sign_up("ann@example.com");
        const auto answer = known->second.call(f, key);
        INFO(answer.text);
        REQUIRE(answer.status < 304);
        audit_query query;
        query.action = known->second.action;
        const auto rows = list_audit(f.folder.path(), query, 10).value();
        REQUIRE_FALSE(rows.empty());
        const auto& row = rows.back();
        CHECK(row.action == known->second.action);
        CHECK(row.result == "ok");
        CHECK(row.address == f.address);
        if (known->second.by_nobody)
            CHECK(row.actor_kind == "anonymous");
        else
            CHECK((row.actor_kind == "key" || row.actor_kind == "user" || row.actor_kind == "client"));
        CHECK(row.actor.empty() == known->second.by_nobody);
        CHECK(row.account_id.empty() == known->second.of_nobody);
        CHECK_FALSE(row.target.empty());
    }
}

TEST_CASE("a route that only reads leaves nothing") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto before = list_audit(f.folder.path(), {}, 100).value().size();
    for (const auto& r : routes())
        if (r.method == "GET") f.call("GET", "/v1" + std::string(r.pattern), key);
    f.subject->stop();
    const auto after = list_audit(f.folder.path(), {}, 100).value();
    REQUIRE(after.size() == before + 1);
    CHECK(after.back().action == "service.stopped");
}
