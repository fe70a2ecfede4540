#include "catch_outcome.hpp"
#include "contract.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::store::testing {
namespace {

oauth_client make_client(const std::string& id, const user& owner) {
    oauth_client client;
    client.id = id;
    client.account_id = owner.account_id;
    client.user_id = owner.id;
    client.name = "App " + id;
    client.uri = "https://app.example.com";
    client.secret_digest = sha256("secret of " + id);
    client.redirect_uris = {"https://app.example.com/cb", "http://127.0.0.1/cb"};
    client.grants = {"authorization_code", "refresh_token"};
    client.scopes = {"tunnels:read"};
    client.created_at = at_second(100);
    return client;
}

oauth_grant make_grant(const user& who, const std::string& client, std::vector<std::string> scopes) {
    oauth_grant grant;
    grant.id = "grant_" + who.name + "_" + client;
    grant.user_id = who.id;
    grant.account_id = who.account_id;
    grant.client_id = client;
    grant.client_name = "App";
    grant.scopes = std::move(scopes);
    grant.created_at = at_second(200);
    return grant;
}

oauth_token make_token(const user& who, const std::string& id, oauth_token_kind kind, const std::string& family) {
    oauth_token token;
    token.id = id;
    token.kind = kind;
    token.digest = sha256(id);
    token.family_id = family;
    token.grant_id = "grant_" + who.name + "_app";
    token.client_id = "app";
    token.user_id = who.id;
    token.account_id = who.account_id;
    token.resource = "https://api.example.com";
    token.scopes = {"tunnels:read", "tunnels:write"};
    token.created_at = at_second(300);
    token.expires_at = at_second(4000);
    return token;
}

device_request make_device(const std::string& name) {
    device_request request;
    request.device_digest = sha256("device " + name);
    request.user_code_digest = sha256("user " + name);
    request.client_id = "app";
    request.client_name = "App";
    request.scopes = {"tunnels:read"};
    request.address = "203.0.113.7";
    request.created_at = at_second(300);
    request.expires_at = at_second(900);
    return request;
}

void keeps_clients(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->put_client(make_client("app", ann)));
    auto found = source.open()->find_client("app").value();
    REQUIRE(found);
    CHECK(found->name == "App app");
    CHECK(found->secret_digest == sha256("secret of app"));
    CHECK(found->redirect_uris == std::vector<std::string>{"https://app.example.com/cb", "http://127.0.0.1/cb"});
    CHECK(found->grants.size() == 2);
    CHECK(found->account_id == ann.account_id);
    CHECK(found->user_id == ann.id);
    CHECK_FALSE(found->fetched_at);

    auto changed = *found;
    changed.origin = client_origin::document;
    changed.account_id.clear();
    changed.user_id.clear();
    changed.secret_digest.clear();
    changed.fetched_at = at_second(500);
    REQUIRE(s->put_client(changed));
    found = s->find_client("app").value();
    CHECK(found->origin == client_origin::document);
    CHECK(found->account_id.empty());
    CHECK(found->secret_digest.empty());
    CHECK(found->fetched_at == at_second(500));
    CHECK(s->count_clients(client_origin::document).value() == 1);
    CHECK(s->count_clients(client_origin::registered).value() == 0);
    CHECK_FALSE(s->find_client("other").value());
}

void lists_and_removes_clients_of_an_account_only(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->put_client(make_client("app", ann)));
    REQUIRE(s->put_client(make_client("tool", bob)));
    CHECK(s->list_clients(ann.account_id).value().size() == 1);
    CHECK(s->list_clients("").value().size() == 2);
    REQUIRE(s->add_oauth_token(make_token(bob, "tok_1", oauth_token_kind::access, "f1")));
    const auto refused = s->remove_client(bob.account_id, "app", at_second(300));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::not_found);
    CHECK(s->find_oauth_token(sha256("tok_1")).value());
    const auto ended = s->remove_client("", "app", at_second(300));
    REQUIRE(ended);
    CHECK(ended->size() == 1);
    CHECK_FALSE(s->find_client("app").value());
    CHECK_FALSE(s->find_oauth_token(sha256("tok_1")).value());
}

void remembers_a_consent_once_and_widens_it(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto first = s->widen_grant(make_grant(ann, "app", {"tunnels:read"})).value();
    auto again = make_grant(ann, "app", {"tunnels:write", "tunnels:read"});
    again.id = "grant_other";
    again.created_at = at_second(300);
    const auto wide = s->widen_grant(again).value();
    CHECK(wide.id == first.id);
    CHECK(wide.scopes == std::vector<std::string>{"tunnels:read", "tunnels:write"});
    CHECK(wide.created_at == at_second(200));
    const auto kept = source.open()->find_grant(ann.id, "app", "").value();
    REQUIRE(kept);
    CHECK(kept->scopes == wide.scopes);
    CHECK(kept->last_used_at == at_second(300));
    CHECK(s->list_grants(ann.id).value().size() == 1);
    CHECK_FALSE(s->find_grant(ann.id, "app", "https://other.example.com").value());
}

void ends_tokens_with_their_consent(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    const auto bob = add(*s, "bob");
    REQUIRE(s->widen_grant(make_grant(ann, "app", {"tunnels:read"})));
    REQUIRE(s->add_oauth_token(make_token(ann, "tok_live", oauth_token_kind::access, "f1")));
    REQUIRE(s->add_oauth_token(make_token(ann, "tok_refresh", oauth_token_kind::refresh, "f1")));
    auto old = make_token(ann, "tok_old", oauth_token_kind::access, "f0");
    old.expires_at = at_second(500);
    REQUIRE(s->add_oauth_token(old));
    const auto foreign = s->revoke_grant(bob.id, "grant_ann_app", at_second(1000));
    REQUIRE_FALSE(foreign);
    CHECK(foreign.error().code == errc::not_found);
    CHECK(s->revoke_grant(ann.id, "grant_ann_app", at_second(1000)).value() == std::vector<std::string>{"tok_live"});
    CHECK(s->find_oauth_token(sha256("tok_refresh")).value()->revoked_at == at_second(1000));
    CHECK(s->list_grants(ann.id).value().empty());
    CHECK_FALSE(s->revoke_grant(ann.id, "grant_ann_app", at_second(1001)));
}

void uses_a_code_once(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    oauth_code code;
    code.digest = sha256("code");
    code.family_id = "f1";
    code.client_id = "app";
    code.user_id = ann.id;
    code.account_id = ann.account_id;
    code.redirect_uri = "https://app.example.com/cb";
    code.redirect_given = true;
    code.challenge = "challenge";
    code.scopes = {"tunnels:read"};
    code.expires_at = at_second(400);
    REQUIRE(s->add_code(code));
    CHECK_FALSE(s->use_code(sha256("other"), at_second(310)).value());
    const auto first = source.open()->use_code(code.digest, at_second(310)).value();
    REQUIRE(first);
    CHECK(first->first);
    CHECK(first->record.redirect_given);
    CHECK(first->record.challenge == "challenge");
    CHECK(first->record.scopes == code.scopes);
    CHECK(first->record.expires_at == at_second(400));
    const auto second = s->use_code(code.digest, at_second(311)).value();
    REQUIRE(second);
    CHECK_FALSE(second->first);
    CHECK(second->record.family_id == "f1");
}

void uses_a_refresh_token_once_and_ends_its_family(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->add_oauth_token(make_token(ann, "tok_a", oauth_token_kind::access, "f1")));
    REQUIRE(s->add_oauth_token(make_token(ann, "tok_r", oauth_token_kind::refresh, "f1")));
    REQUIRE(s->add_oauth_token(make_token(ann, "tok_b", oauth_token_kind::access, "f2")));
    CHECK_FALSE(s->use_refresh_token(sha256("tok_a"), at_second(310)).value());
    CHECK(s->use_refresh_token(sha256("tok_r"), at_second(310)).value()->first);
    CHECK_FALSE(source.open()->use_refresh_token(sha256("tok_r"), at_second(311)).value()->first);
    CHECK(s->revoke_family("f1", at_second(312)).value() == std::vector<std::string>{"tok_a"});
    CHECK(s->find_oauth_token(sha256("tok_a")).value()->revoked_at == at_second(312));
    CHECK_FALSE(s->find_oauth_token(sha256("tok_b")).value()->revoked_at);
    REQUIRE(s->revoke_oauth_token("tok_b", at_second(313)));
    CHECK(s->find_oauth_token_by_id("tok_b").value()->revoked_at == at_second(313));
    CHECK(s->revoke_family("f1", at_second(314)).value().empty());
}

void keeps_device_requests_until_they_are_decided(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->add_device_request(make_device("tv")));
    auto twin = make_device("other");
    twin.user_code_digest = make_device("tv").user_code_digest;
    CHECK(s->add_device_request(twin).error().code == errc::already_exists);
    auto request = s->find_device_request_by_user_code(sha256("user tv")).value();
    REQUIRE(request);
    CHECK(request->user_id.empty());
    CHECK(request->interval_s == 5);
    request->interval_s = 10;
    request->last_poll_at = at_second(305);
    request->user_id = ann.id;
    request->account_id = ann.account_id;
    request->grant_id = "grant_1";
    request->approved_at = at_second(306);
    REQUIRE(s->update_device_request(*request));
    const auto known = source.open()->find_device_request(sha256("device tv")).value();
    REQUIRE(known);
    CHECK(known->interval_s == 10);
    CHECK(known->approved_at == at_second(306));
    CHECK_FALSE(known->denied_at);
    CHECK(known->user_id == ann.id);
    CHECK(known->grant_id == "grant_1");
    REQUIRE(s->remove_device_request(sha256("device tv")));
    CHECK_FALSE(s->find_device_request(sha256("device tv")).value());
}

void purges_what_expired(store_source& source) {
    const auto s = source.open();
    const auto ann = add(*s, "ann");
    REQUIRE(s->add_device_request(make_device("tv")));
    REQUIRE(s->add_oauth_token(make_token(ann, "tok_a", oauth_token_kind::access, "f1")));
    auto app = make_client("app", ann);
    app.origin = client_origin::dynamic;
    REQUIRE(s->put_client(app));
    auto idle = make_client("idle", ann);
    idle.origin = client_origin::dynamic;
    REQUIRE(s->put_client(idle));
    REQUIRE(s->purge_oauth(at_second(1000), at_second(1000)));
    CHECK_FALSE(s->find_device_request(sha256("device tv")).value());
    CHECK(s->find_oauth_token(sha256("tok_a")).value());
    CHECK(s->find_client("app").value());
    CHECK_FALSE(s->find_client("idle").value());
}

constexpr contract_case oauth_contract[] = {
    {"keeps clients", keeps_clients},
    {"lists and removes clients of an account only", lists_and_removes_clients_of_an_account_only},
    {"remembers a consent once and widens it", remembers_a_consent_once_and_widens_it},
    {"ends tokens with their consent", ends_tokens_with_their_consent},
    {"uses a code once", uses_a_code_once},
    {"uses a refresh token once and ends its family", uses_a_refresh_token_once_and_ends_its_family},
    {"keeps device requests until they are decided", keeps_device_requests_until_they_are_decided},
    {"purges what expired", purges_what_expired},
};

}  // namespace

std::span<const contract_case> oauth_cases() {
    return oauth_contract;
}

}  // namespace instatunnel::store::testing
