#pragma once

#include <memory>
#include <string>
#include <vector>

#include "instatunnel/auth/pkce.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/oauth/authorization.hpp"
#include "instatunnel/oauth/devices.hpp"
#include "instatunnel/oauth/tokens.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "temporary_folder.hpp"

namespace instatunnel::oauth::testing {

/// An authorization server on a fresh store with one person, one confidential and one public client, and a clock that
/// the test moves.
struct oauth_fixture {
    oauth_fixture() {
        settings.issuer = "https://api.t.example.com";
        settings.domain = "t.example.com";
        settings.digest = [](std::string_view text) { return hmac_sha256("pepper", text); };
        settings.now = [this] { return now; };
        data = store::open_sqlite(folder.path()).value();
        person.id = "user_ann";
        person.account_id = "acc_ann";
        person.email = "ann@example.com";
        person.name = "Ann";
        person.plan = "pro";
        person.created_at = now;
        (void)data->add_user(person, std::nullopt);
        clients = std::make_unique<client_registry>(*data, settings);
        book = std::make_unique<token_book>(*data, settings);
        authorization = std::make_unique<authorization_endpoint>(*data, *clients, settings);
        tokens = std::make_unique<token_endpoint>(*data, *book, settings);
        devices = std::make_unique<device_endpoint>(*data, *book, settings);
        confidential = clients
                           ->add({"Web app",
                                  "",
                                  {"https://app.example.com/cb"},
                                  {std::string(grant_code), std::string(grant_refresh), std::string(grant_client)},
                                  {},
                                  true},
                                 store::client_origin::registered, person)
                           .value();
        open = clients
                   ->add({"Phone app", "", {"http://127.0.0.1/cb"}, {}, {}, false}, store::client_origin::dynamic,
                         std::nullopt)
                   .value();
    }

    /// A good authorization request of `client`.
    form query(const made_client& client, const std::string& scope = "tunnels:read tunnels:write") const {
        form q;
        q.add("response_type", "code").add("client_id", client.record.id).add("scope", scope).add("state", "xyz");
        q.add("redirect_uri", client.record.redirect_uris.front());
        q.add("code_challenge", auth::code_challenge(verifier)).add("code_challenge_method", "S256");
        return q;
    }
    authorization_request read(const form& q) {
        return std::get<authorization_request>(authorization->read(q).value());
    }
    /// The code that an approved request gives.
    std::string code_for(const form& q) {
        const auto location = authorization->approve(person, read(q)).value();
        return std::string(form::parse(location.substr(location.find('?') + 1))->value("code"));
    }
    form exchange(const std::string& code, const made_client& client) const {
        form body;
        body.add("grant_type", "authorization_code").add("code", code).add("code_verifier", verifier);
        body.add("redirect_uri", client.record.redirect_uris.front());
        return body;
    }
    token_answer tokens_for(const made_client& client) {
        auto done = tokens->exchange_code(client.record, exchange(code_for(query(client)), client));
        return std::move(done.result).value();
    }
    bool works(std::string_view token) { return book->find_live(token).value().has_value(); }

    const std::string verifier = std::string(43, 'v');
    test::temporary_folder folder;
    wall_time now = wall_time(std::chrono::hours(500000));
    server_settings settings;
    store::user person;
    std::unique_ptr<store::store> data;
    std::unique_ptr<client_registry> clients;
    std::unique_ptr<token_book> book;
    std::unique_ptr<authorization_endpoint> authorization;
    std::unique_ptr<token_endpoint> tokens;
    std::unique_ptr<device_endpoint> devices;
    made_client confidential;
    made_client open;
};

}  // namespace instatunnel::oauth::testing
