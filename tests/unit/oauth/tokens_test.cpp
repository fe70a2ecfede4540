#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "catch_outcome.hpp"
#include "instatunnel/auth/access_token.hpp"
#include "instatunnel/base/names.hpp"
#include "oauth_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::oauth;
using namespace instatunnel::oauth::testing;

namespace {

std::string error_of(const exchange_outcome& done) {
    return done.result ? std::string("none") : done.result.error().error;
}

form refresh_with(const secret& token) {
    return form().add("grant_type", "refresh_token").add("refresh_token", std::string(token.reveal()));
}

form polling(const device_answer& asked) {
    return form().add("device_code", std::string(asked.device_code.reveal()));
}

}  // namespace

TEST_CASE("a code becomes tokens that work until they expire") {
    oauth_fixture f;
    const auto made = f.tokens_for(f.confidential);
    CHECK(auth::is_access_token(made.access_token.reveal()));
    CHECK(made.expires_in == std::chrono::hours(1));
    CHECK(made.scopes == std::vector<std::string>{"tunnels:read", "tunnels:write"});
    const auto live = f.book->find_live(made.access_token.reveal()).value();
    REQUIRE(live);
    CHECK(live->user_id == f.person.id);
    CHECK(live->client_id == f.confidential.record.id);
    CHECK_FALSE(f.works(made.refresh_token.reveal()));
    f.now += std::chrono::hours(1);
    CHECK_FALSE(f.works(made.access_token.reveal()));
}

TEST_CASE("a code that comes twice ends what it gave") {
    oauth_fixture f;
    const auto code = f.code_for(f.query(f.confidential));
    const auto first = f.tokens->exchange_code(f.confidential.record, f.exchange(code, f.confidential));
    REQUIRE(first.result.has_value());
    const auto second = f.tokens->exchange_code(f.confidential.record, f.exchange(code, f.confidential));
    CHECK(error_of(second) == "invalid_grant");
    CHECK(second.ended_access_tokens.size() == 1);
    CHECK_FALSE(f.works(first.result->access_token.reveal()));
    CHECK(error_of(f.tokens->refresh(f.confidential.record, refresh_with(first.result->refresh_token))) ==
          "invalid_grant");
}

TEST_CASE("a code is for its client, its address, its verifier and two minutes") {
    oauth_fixture f;
    const auto& client = f.confidential;
    const auto attempt = [&](const form& body, const store::oauth_client& who) {
        return error_of(f.tokens->exchange_code(who, body));
    };
    const auto fresh = [&] { return f.code_for(f.query(client)); };
    const auto without_verifier = [&](const std::string& code) {
        return form().add("code", code).add("redirect_uri", "https://app.example.com/cb");
    };
    CHECK(attempt(f.exchange(fresh(), client), f.open.record) == "invalid_grant");
    CHECK(attempt(without_verifier(fresh()), client.record) == "invalid_grant");
    CHECK(attempt(without_verifier(fresh()).add("code_verifier", std::string(43, 'w')), client.record) ==
          "invalid_grant");
    CHECK(attempt(form()
                      .add("code", fresh())
                      .add("code_verifier", f.verifier)
                      .add("redirect_uri", "https://app.example.com/other"),
                  client.record) == "invalid_grant");
    CHECK(attempt(form().add("code", fresh()).add("code_verifier", f.verifier), client.record) == "none");
    CHECK(attempt(f.exchange(fresh(), client).add("code", "x"), client.record) == "invalid_request");
    CHECK(attempt(f.exchange("itc_unknown", client), client.record) == "invalid_grant");
    CHECK(attempt(form(), client.record) == "invalid_request");
    const auto late = fresh();
    f.now += f.settings.code_life;
    CHECK(attempt(f.exchange(late, client), client.record) == "invalid_grant");
}

TEST_CASE("a public client cannot leave out the address it named") {
    oauth_fixture f;
    const auto code = f.code_for(f.query(f.open));
    CHECK(error_of(f.tokens->exchange_code(f.open.record, form().add("code", code).add("code_verifier", f.verifier))) ==
          "invalid_grant");
}

TEST_CASE("a verifier for a code without a challenge is an attack") {
    oauth_fixture f;
    form q;
    q.add("client_id", f.confidential.record.id).add("scope", "tunnels:read");
    CHECK(error_of(f.tokens->exchange_code(f.confidential.record,
                                           form().add("code", f.code_for(q)).add("code_verifier", f.verifier))) ==
          "invalid_grant");
    CHECK(error_of(f.tokens->exchange_code(f.confidential.record, form().add("code", f.code_for(q)))) == "none");
}

TEST_CASE("a refresh token changes each time, and an old one ends the family") {
    oauth_fixture f;
    const auto first = f.tokens_for(f.confidential);
    f.now += std::chrono::minutes(30);
    auto done = f.tokens->refresh(f.confidential.record, refresh_with(first.refresh_token));
    REQUIRE(done.result.has_value());
    const auto& second = *done.result;
    CHECK(second.refresh_token.reveal() != first.refresh_token.reveal());
    CHECK(f.works(first.access_token.reveal()));
    const auto replay = f.tokens->refresh(f.confidential.record, refresh_with(first.refresh_token));
    CHECK(error_of(replay) == "invalid_grant");
    CHECK(replay.ended_access_tokens.size() == 2);
    CHECK_FALSE(replay.family_id.empty());
    CHECK_FALSE(f.works(second.access_token.reveal()));
    CHECK(error_of(f.tokens->refresh(f.confidential.record, refresh_with(second.refresh_token))) == "invalid_grant");
}

TEST_CASE("a refresh token is for its client, for the same or less, and for 30 days") {
    oauth_fixture f;
    const auto made = f.tokens_for(f.confidential);
    CHECK(error_of(f.tokens->refresh(f.open.record, refresh_with(made.refresh_token))) == "invalid_grant");
    CHECK(error_of(f.tokens->refresh(f.confidential.record,
                                     refresh_with(made.refresh_token).add("scope", "logs:read"))) == "invalid_scope");
    CHECK(error_of(f.tokens->refresh(f.confidential.record,
                                     refresh_with(made.refresh_token).add("resource", "https://demo.t.example.com"))) ==
          "invalid_target");
    CHECK(error_of(f.tokens->refresh(f.confidential.record, refresh_with(made.access_token))) == "invalid_grant");
    const auto less =
        f.tokens->refresh(f.confidential.record, refresh_with(made.refresh_token).add("scope", "tunnels:read"));
    REQUIRE(less.result.has_value());
    CHECK(less.result->scopes == std::vector<std::string>{"tunnels:read"});
    f.now += f.settings.refresh_life;
    CHECK(error_of(f.tokens->refresh(f.confidential.record, refresh_with(less.result->refresh_token))) ==
          "invalid_grant");
}

TEST_CASE("a client acts for itself only if it is confidential and was registered for that") {
    oauth_fixture f;
    const auto done = f.tokens->client_credentials(f.confidential.record, form().add("scope", "tunnels:read"));
    REQUIRE(done.result.has_value());
    CHECK(done.result->refresh_token.empty());
    CHECK(f.book->find_live(done.result->access_token.reveal()).value()->account_id == f.person.account_id);
    CHECK(error_of(f.tokens->client_credentials(f.open.record, form())) == "unauthorized_client");
    CHECK(error_of(f.tokens->client_credentials(f.confidential.record, form().add("scope", "x"))) == "invalid_scope");
}

TEST_CASE("a client ends its own tokens and nobody else's") {
    oauth_fixture f;
    const auto made = f.tokens_for(f.confidential);
    CHECK(f.book->revoke(f.open.record, made.access_token.reveal()).value().empty());
    CHECK(f.works(made.access_token.reveal()));
    CHECK(f.book->revoke(f.confidential.record, made.access_token.reveal()).value().size() == 1);
    CHECK_FALSE(f.works(made.access_token.reveal()));
    const auto other = f.tokens_for(f.confidential);
    CHECK(f.book->revoke(f.confidential.record, other.refresh_token.reveal()).value().size() == 1);
    CHECK_FALSE(f.works(other.access_token.reveal()));
    CHECK(f.book->revoke(f.confidential.record, "ita_nonsense").value().empty());
}

TEST_CASE("a device gets tokens when its person agrees, once") {
    oauth_fixture f;
    const auto cli = f.clients->find(cli_client_id).value().value();
    auto asked = f.devices->begin(cli, form().add("scope", "tunnels:*"), "203.0.113.9").value();
    CHECK(error_of(f.devices->poll(cli, polling(asked))) == "authorization_pending");
    CHECK(error_of(f.devices->poll(cli, polling(asked))) == "slow_down");
    f.now += std::chrono::seconds(10);
    CHECK(error_of(f.devices->poll(cli, polling(asked))) == "authorization_pending");
    CHECK(error_of(f.devices->poll(f.open.record, polling(asked))) == "invalid_grant");
    const auto request = f.devices->find(" " + to_lower(asked.user_code)).value();
    REQUIRE(request);
    CHECK(request->address == "203.0.113.9");
    REQUIRE(f.devices->approve(*request, cli, f.person));
    CHECK_FALSE(f.devices->find(asked.user_code).value());
    const auto done = f.devices->poll(cli, polling(asked));
    REQUIRE(done.result.has_value());
    CHECK(f.works(done.result->access_token.reveal()));
    CHECK(error_of(f.devices->poll(cli, polling(asked))) == "invalid_grant");
    CHECK(f.data->list_grants(f.person.id).value().size() == 1);
}

TEST_CASE("a device hears no, and that it came too late") {
    oauth_fixture f;
    const auto cli = f.clients->find(cli_client_id).value().value();
    const auto denied = f.devices->begin(cli, form(), "203.0.113.9").value();
    REQUIRE(f.devices->deny(f.devices->find(denied.user_code).value().value(), f.person));
    CHECK(error_of(f.devices->poll(cli, polling(denied))) == "access_denied");
    const auto late = f.devices->begin(cli, form(), "203.0.113.9").value();
    f.now += f.settings.device_life;
    CHECK(error_of(f.devices->poll(cli, polling(late))) == "expired_token");
    CHECK_FALSE(f.devices->find(late.user_code).value());
    CHECK(f.devices->begin(f.confidential.record, form(), "").error().error == "unauthorized_client");
    CHECK(f.devices->begin(cli, form().add("scope", "x"), "").error().error == "invalid_scope");
}

TEST_CASE("nothing that the store keeps is a token, a code or a secret") {
    oauth_fixture f;
    const auto made = f.tokens_for(f.confidential);
    const auto code = f.code_for(f.query(f.confidential));
    const auto asked = f.devices->begin(f.clients->find(cli_client_id).value().value(), form(), "").value();
    f.data.reset();
    std::string bytes;
    for (const auto& file : std::filesystem::directory_iterator(f.folder.path())) {
        std::ifstream in(file.path(), std::ios::binary);
        bytes += std::string(std::istreambuf_iterator<char>(in), {});
    }
    CHECK(bytes.size() > 4096);
    CHECK(bytes.find(made.access_token.reveal()) == std::string::npos);
    CHECK(bytes.find(made.refresh_token.reveal()) == std::string::npos);
    CHECK(bytes.find(code) == std::string::npos);
    CHECK(bytes.find(asked.device_code.reveal()) == std::string::npos);
    CHECK(bytes.find(asked.user_code) == std::string::npos);
    CHECK(bytes.find(f.confidential.client_secret.reveal()) == std::string::npos);
}
