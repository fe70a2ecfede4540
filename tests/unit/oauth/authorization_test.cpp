#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "catch_outcome.hpp"
#include "oauth_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::oauth;
using namespace instatunnel::oauth::testing;

namespace {

form without(const form& from, const std::string& name) {
    form rest;
    std::istringstream fields(from.text());
    for (std::string field; std::getline(fields, field, '&');) {
        const auto one = form::parse(field);
        const auto key = field.substr(0, field.find('='));
        if (key != name) rest.add(key, std::string(one->value(key)));
    }
    return rest;
}

form with(const form& from, const std::string& name, const std::string& value) {
    auto all = without(from, name);
    all.add(name, value);
    return all;
}

std::string error_of(const read_request& read) {
    const auto& location = std::get<redirected_refusal>(read).location;
    return std::string(form::parse(location.substr(location.find('?') + 1))->value("error"));
}

}  // namespace

TEST_CASE("an approved request comes back with code, state and issuer") {
    oauth_fixture f;
    const auto location = f.authorization->approve(f.person, f.read(f.query(f.confidential))).value();
    REQUIRE(location.starts_with("https://app.example.com/cb?code=itc_"));
    const auto given = form::parse(location.substr(location.find('?') + 1));
    CHECK(given->value("state") == "xyz");
    CHECK(given->value("iss") == "https://api.t.example.com");
}

TEST_CASE("a denied request says so to the app") {
    oauth_fixture f;
    const auto location = f.authorization->deny(f.read(f.query(f.confidential)));
    CHECK(location.starts_with("https://app.example.com/cb?error=access_denied&"));
    CHECK(location.find("&state=xyz&iss=https%3A%2F%2Fapi.t.example.com") != std::string::npos);
}

TEST_CASE("nothing is sent to an address that the client did not register") {
    oauth_fixture f;
    const auto good = f.query(f.confidential);
    for (const auto& bad : {with(good, "redirect_uri", "https://evil.example/cb"),
                            with(good, "redirect_uri", "https://app.example.com/cb/"),
                            with(good, "redirect_uri", "https://app.example.com/cb#"), with(good, "redirect_uri", ""),
                            with(good, "client_id", "client_unknown"), without(good, "client_id"),
                            good.clone().add("redirect_uri", "https://app.example.com/cb"),
                            good.clone().add("client_id", "x"), good.clone().add("state", "other")}) {
        CAPTURE(bad.text());
        CHECK(std::holds_alternative<unsafe_request>(f.authorization->read(bad).value()));
    }
}

TEST_CASE("the only registered address may be left out, and a loopback one has any port") {
    oauth_fixture f;
    const auto read = f.read(without(f.query(f.confidential), "redirect_uri"));
    CHECK(read.redirect_uri == "https://app.example.com/cb");
    CHECK_FALSE(read.redirect_given);
    CHECK(f.read(with(f.query(f.open), "redirect_uri", "http://127.0.0.1:4711/cb")).redirect_uri ==
          "http://127.0.0.1:4711/cb");
}

TEST_CASE("what else is wrong goes to the app as an error") {
    oauth_fixture f;
    const auto good = f.query(f.confidential);
    const auto open = f.query(f.open);
    const std::pair<form, std::string> rows[] = {
        {with(good, "response_type", "token"), "unsupported_response_type"},
        {with(good, "scope", "tunnels:fly"), "invalid_scope"},
        {with(good, "code_challenge_method", "plain"), "invalid_request"},
        {without(good, "code_challenge_method"), "invalid_request"},
        {with(good, "code_challenge", "short"), "invalid_request"},
        {without(open, "code_challenge"), "invalid_request"},
        {with(good, "resource", "https://elsewhere.example"), "invalid_target"},
        {with(good, "resource", "http://demo.t.example.com"), "invalid_target"},
        {with(good, "resource", "https://demo.t.example.com/#x"), "invalid_target"},
        {with(good, "resource", "https://a.b.t.example.com"), "invalid_target"},
        {with(good, "state", std::string(2049, 's')), "invalid_request"},
    };
    for (const auto& [query, error] : rows) {
        CAPTURE(query.text());
        CHECK(error_of(f.authorization->read(query).value()) == error);
    }
}

TEST_CASE("the documents' request works: commas between scopes, no response_type, no PKCE with a secret") {
    oauth_fixture f;
    form q;
    q.add("client_id", f.confidential.record.id).add("redirect_uri", "https://app.example.com/cb");
    q.add("scope", "tunnels:read,tunnels:write").add("state", "random_state_string");
    const auto request = f.read(q);
    CHECK(request.scopes == std::vector<std::string>{"tunnels:read", "tunnels:write"});
    CHECK(request.challenge.empty());
}

TEST_CASE("a client with a list of its own asks for no more than that") {
    oauth_fixture f;
    const auto narrow = f.clients
                            ->add({"Narrow", "", {"https://n.example.com/cb"}, {}, {"tunnels:*"}, true},
                                  store::client_origin::registered, f.person)
                            .value();
    CHECK(error_of(f.authorization->read(f.query(narrow, "logs:read")).value()) == "invalid_scope");
    CHECK(f.read(f.query(narrow, "tunnels:read")).scopes.size() == 1);
    CHECK(f.read(without(f.query(narrow), "scope")).scopes == std::vector<std::string>{"tunnels:*"});
    CHECK(f.read(without(f.query(f.confidential), "scope")).scopes == std::vector<std::string>{"account:read"});
}

TEST_CASE("a consent is remembered for what was consented to, and never for a loopback address") {
    oauth_fixture f;
    const auto small = f.read(f.query(f.confidential, "tunnels:read"));
    CHECK_FALSE(f.authorization->is_granted(f.person, small).value());
    REQUIRE(f.authorization->approve(f.person, small));
    CHECK(f.authorization->is_granted(f.person, small).value());
    CHECK_FALSE(f.authorization->is_granted(f.person, f.read(f.query(f.confidential))).value());
    CHECK_FALSE(
        f.authorization->is_granted(f.person, f.read(f.query(f.confidential, "tunnels:read").add("prompt", "consent")))
            .value());
    const auto phone = f.read(f.query(f.open));
    REQUIRE(f.authorization->approve(f.person, phone));
    CHECK_FALSE(f.authorization->is_granted(f.person, phone).value());
}

TEST_CASE("a resource is our API or one of our tunnels") {
    oauth_fixture f;
    CHECK(canonical_resource("", f.settings) == "");
    CHECK(canonical_resource("https://api.t.example.com", f.settings) == "");
    CHECK(canonical_resource("https://API.t.example.com/v1", f.settings) == "");
    CHECK(canonical_resource("https://Demo.t.example.com/mcp", f.settings) == "https://demo.t.example.com");
    CHECK(canonical_resource("https://demo.t.example.com:8443/mcp", f.settings) == "https://demo.t.example.com");
    CHECK_FALSE(canonical_resource("https://t.example.com", f.settings));
    CHECK_FALSE(canonical_resource("https://demo.t.example.com.evil.example", f.settings));
    CHECK_FALSE(canonical_resource("https://evil.example/demo.t.example.com", f.settings));
    CHECK_FALSE(canonical_resource("urn:x", f.settings));
}

TEST_CASE("a client says who it is in one way, and only its own secret is right") {
    oauth_fixture f;
    const auto& id = f.confidential.record.id;
    const std::string password(f.confidential.client_secret.reveal());
    const auto basic = [](const std::string& text) {
        auto encoded = to_base64url(text);
        std::ranges::replace(encoded, '-', '+');
        std::ranges::replace(encoded, '_', '/');
        return "Basic " + encoded + std::string((4 - encoded.size() % 4) % 4, '=');
    };
    CHECK(f.clients->authenticate("", form().add("client_id", id).add("client_secret", password)).has_value());
    CHECK(f.clients->authenticate(basic(id + ":" + password), form()).has_value());
    CHECK(f.clients->authenticate("", form().add("client_id", f.open.record.id)).has_value());
    const auto error = [&](const std::string& field, const form& body) {
        return f.clients->authenticate(field, body).error().error;
    };
    CHECK(error("", form().add("client_id", id)) == "invalid_client");
    CHECK(error("", form().add("client_id", id).add("client_secret", "its_wrong")) == "invalid_client");
    CHECK(error("", form().add("client_id", "client_unknown").add("client_secret", password)) == "invalid_client");
    CHECK(error("", form().add("client_id", f.open.record.id).add("client_secret", password)) == "invalid_client");
    CHECK(error(basic(id + ":" + password), form().add("client_secret", password)) == "invalid_request");
    CHECK(error(basic(id + ":" + password), form().add("client_id", "other")) == "invalid_request");
    CHECK(error("", form()) == "invalid_request");
    CHECK(error("Basic !!!", form()) == "invalid_request");
}

TEST_CASE("metadata that would be dangerous is refused") {
    oauth_fixture f;
    const auto error = [&](new_client asked, bool owned) {
        const auto owner = owned ? std::optional(f.person) : std::nullopt;
        const auto made = f.clients->add(asked, store::client_origin::dynamic, owner);
        return made ? std::string("none") : made.error().error;
    };
    const new_client good{"App", "https://app.example.com", {"https://app.example.com/cb"}, {}, {}, true};
    CHECK(error(good, false) == "none");
    auto bad = good;
    bad.redirect_uris = {"javascript:alert(1)"};
    CHECK(error(bad, false) == "invalid_redirect_uri");
    bad = good;
    bad.redirect_uris.clear();
    CHECK(error(bad, false) == "invalid_redirect_uri");
    bad = good;
    bad.name = "evil\x1b[2J";
    CHECK(error(bad, false) == "invalid_client_metadata");
    bad = good;
    bad.uri = "javascript:alert(1)";
    CHECK(error(bad, false) == "invalid_client_metadata");
    bad = good;
    bad.grants = {"password"};
    CHECK(error(bad, false) == "invalid_client_metadata");
    bad = good;
    bad.grants = {std::string(grant_client)};
    CHECK(error(bad, false) == "invalid_client_metadata");
    CHECK(error(bad, true) == "none");
    bad.confidential = false;
    CHECK(error(bad, true) == "invalid_client_metadata");
    bad = good;
    bad.scopes = {"everything"};
    CHECK(error(bad, false) == "invalid_client_metadata");
}

TEST_CASE("a tunnel's address gives one scope, whatever else was asked for, and the API never gives it") {
    store::oauth_client any;
    const auto scopes = [&](const char* asked, const char* resource, const store::oauth_client& client) {
        const auto found = requested_scopes(client, asked, resource);
        std::string text;
        for (const auto& one : found.value_or(std::vector<std::string>{"none"}))
            text += one + " ";
        return text;
    };
    constexpr const char* demo = "https://demo.t.example.com";
    CHECK(scopes("", demo, any) == "mcp:call ");
    CHECK(scopes("mcp:call", demo, any) == "mcp:call ");
    CHECK(scopes("tunnels:read,mcp:call *", demo, any) == "mcp:call ");
    CHECK(scopes("mcp:calls", demo, any) == "none ");
    CHECK(scopes("", "", any) == "account:read ");
    CHECK(scopes("mcp:call", "", any) == "none ");
    CHECK(scopes("mcp:call tunnels:read", "", any) == "tunnels:read ");
    store::oauth_client few;
    few.scopes = {"tunnels:read"};
    CHECK(scopes("", demo, few) == "none ");
    CHECK(scopes("tunnels:write", "", few) == "none ");
    few.scopes = {"mcp:call"};
    CHECK(scopes("", demo, few) == "mcp:call ");
    CHECK(scopes("", "", few) == "none ");
    CHECK(scopes("tunnels:read", "", few) == "none ");
}
