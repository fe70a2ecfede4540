#include "catch_outcome.hpp"
#include "instatunnel/auth/scopes.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

TEST_CASE("registering gives a key that holds every scope") {
    service_fixture f;
    const auto r =
        f.call("POST", "/v1/auth/register", "", {{"email", " Ann@Example.com "}, {"password", "correct horse"}});
    REQUIRE(r.status == 201);
    CHECK(r.body.size() == 3);
    CHECK(r.body["email"] == "ann@example.com");
    CHECK(r.body["plan"] == "pro");
    const std::string key = r.body["api_key"];
    CHECK(key.size() == 19);
    CHECK(is_api_key(key));
    const auto user = f.call("GET", "/v1/auth/user", key);
    CHECK(user.body["permissions"] == json(auth::full_scope_set()));
}

TEST_CASE("registering a known address answers 409 whatever its letter case") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto r =
        f.call("POST", "/v1/auth/register", "", {{"email", "ANN@example.com"}, {"password", "correct horse"}});
    CHECK(is_error(r, 409, "conflict", 4009));
    CHECK(r.body["field"] == "email");
}

TEST_CASE("registering is closed outside of dev mode and says who can add users") {
    service_fixture f(/*dev=*/false);
    const auto r = f.call("POST", "/v1/auth/register", "", {{"email", "a@b.c"}, {"password", "correct horse"}});
    CHECK(is_error(r, 403, "forbidden", 4003));
    CHECK(r.body["message"] ==
          "Sign-up is closed on this server: its owner adds users with: instatunnel admin user add");
}

TEST_CASE("the unversioned path registers an email alone, and nothing can sign in there") {
    service_fixture f;
    CHECK(is_error(f.call("POST", "/v1/auth/register", "", {{"email", "a@b.c"}}), 400, "bad_request", 4000));
    const auto r = f.call("POST", "/auth/register", "", {{"email", "a@b.c"}});
    REQUIRE(r.status == 201);
    CHECK(f.call("GET", "/auth/user", r.body["api_key"]).status == 200);
    for (const char* guess : {"", "x", "12345678"})
        CHECK(is_error(f.call("POST", "/auth/login", "", {{"email", "a@b.c"}, {"password", guess}}), 401,
                       "unauthorized", 4001));
}

TEST_CASE("register refuses what it cannot use and names the field") {
    service_fixture f;
    struct row {
        json body;
        int status;
        const char* field;
    };
    const row rows[] = {
        {{{"password", "correct horse"}}, 400, "email"},
        {{{"email", 7}, {"password", "correct horse"}}, 400, "email"},
        {{{"email", "a@b.c"}}, 400, "password"},
        {{{"email", "a@b.c"}, {"password", json::array()}}, 400, "password"},
        {{{"email", "not an address"}, {"password", "correct horse"}}, 422, "email"},
        {{{"email", "a@b.c"}, {"password", "1234567"}}, 422, "password"},
        {{{"email", "a@b.c"}, {"password", std::string(1025, 'x')}}, 422, "password"},
        {{{"email", "a@b.c"}, {"password", "correct horse"}, {"name", "a\nb"}}, 422, "name"},
    };
    for (const auto& r : rows) {
        const auto answer = f.call("POST", "/v1/auth/register", "", r.body);
        INFO(answer.text);
        CHECK(answer.status == r.status);
        CHECK(answer.body["field"] == r.field);
    }
}

TEST_CASE("login gives a new key and the user") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/auth/login", "", {{"email", "Ann@Example.com"}, {"password", "correct horse"}});
    REQUIRE(r.status == 200);
    CHECK(r.body.size() == 2);
    CHECK(r.body["user"].size() == 3);
    CHECK(r.body["user"]["email"] == "ann@example.com");
    CHECK(r.body["user"]["name"] == "ann");
    CHECK(r.body["user"]["id"].get<std::string>().starts_with("user_"));
    const auto user = f.call("GET", "/v1/auth/user", r.body["api_key"]);
    CHECK(user.body["key"]["name"] == "CLI login");
    CHECK(user.body["permissions"] == json(auth::full_scope_set()));
}

TEST_CASE("login labels its key with the name that was given") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/auth/login", "",
                          {{"email", "ann@example.com"}, {"password", "correct horse"}, {"name", "CLI - laptop"}});
    CHECK(f.call("GET", "/v1/auth/user", r.body["api_key"]).body["key"]["name"] == "CLI - laptop");
}

TEST_CASE("a wrong password is refused with the promised words") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "wrong"}});
    CHECK(is_error(r, 401, "unauthorized", 4001));
    CHECK(r.body["message"] == "Wrong email or password");
    CHECK(r.body["reason"] == "wrong_password");
}

TEST_CASE("a wrong login costs one argon2 computation whether the account exists or not") {
    service_fixture f;
    f.sign_up("ann@example.com");
    f.call("POST", "/auth/register", "", {{"email", "no-password@example.com"}});
    for (const char* email : {"ann@example.com", "nobody@example.com", "no-password@example.com"}) {
        const unsigned before = f.password_hashes;
        const auto r = f.call("POST", "/v1/auth/login", "", {{"email", email}, {"password", "wrong"}});
        CHECK(r.status == 401);
        CHECK(r.body["message"] == "Wrong email or password");
        CHECK(f.password_hashes - before == 1);
    }
}

TEST_CASE("the user's answer has every promised member") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto r = f.call("GET", "/v1/auth/user", key);
    REQUIRE(r.status == 200);
    CHECK(r.text.starts_with(R"({"id":"user_)"));
    CHECK(r.body["plan"] == "pro");
    CHECK(parse_rfc3339(r.body["created_at"].get<std::string>()));
    CHECK(r.body["usage"]["tunnels_created"] == 0);
    CHECK(r.body["usage"]["data_transferred"] == "0 B");
    CHECK(r.body["usage"]["requests_served"] == 0);
    CHECK(r.body["key"]["id"].get<std::string>().starts_with("key_"));
    CHECK(r.body["key"]["expires_at"].is_null());
    CHECK(r.body["email_verified"] == false);
    CHECK(r.body["credit"] == 0);
    CHECK(r.body.size() == 11);
}

TEST_CASE("a key may come as Bearer in any letter case or as X-API-Key") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    for (const auto& [name, value] : {std::pair<std::string, std::string>{"authorization", "bearer " + key},
                                      {"Authorization", "Bearer   " + key + " "},
                                      {"x-api-key", key}}) {
        instatunnel::service::api_request request;
        request.method = "GET";
        request.path = "/auth/user";
        request.remote_address = f.address;
        request.fields.emplace_back(name, value);
        CHECK(f.call_raw(std::move(request)).status == 200);
    }
}

TEST_CASE("a request with two different keys is refused, whichever fields they are in") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto with = [&](std::vector<std::pair<std::string, std::string>> fields) {
        instatunnel::service::api_request request;
        request.method = "GET";
        request.path = "/v1/auth/user";
        request.remote_address = f.address;
        request.fields = std::move(fields);
        return f.call_raw(std::move(request));
    };
    const std::string bearer = "Bearer " + key, other = "it_0123456789abcdef";
    CHECK(with({{"Authorization", bearer}, {"X-API-Key", key}}).status == 200);
    CHECK(with({{"Authorization", "Basic dTpw"}, {"X-API-Key", key}}).status == 200);
    for (const auto& r :
         {with({{"Authorization", bearer}, {"X-API-Key", other}}),
          with({{"X-API-Key", other}, {"Authorization", bearer}}), with({{"X-API-Key", key}, {"X-API-Key", other}}),
          with({{"Authorization", "Bearer " + other}, {"authorization", bearer}})}) {
        CHECK(is_error(r, 400, "bad_request", 4000));
        CHECK(r.body["message"] ==
              "The request carries different API keys: send one, as Authorization: Bearer or as X-API-Key");
    }
}

TEST_CASE("requests without a key that works get the promised 401 and its reason") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    struct row {
        std::string key;
        const char* reason;
    };
    for (const auto& [presented, reason] :
         {row{"", "no_key"}, row{"it_short", "malformed_key"}, row{"it_0123456789abcdef", "invalid_key"}}) {
        const auto r = f.call("GET", "/v1/auth/user", presented);
        CHECK(is_error(r, 401, "unauthorized", 4001));
        CHECK(r.body["message"] == "Invalid or missing API key");
        CHECK(r.body["reason"] == reason);
        CHECK(r.field("WWW-Authenticate") == "Bearer");
        CHECK(r.text.starts_with(R"({"error":"unauthorized","message":"Invalid or missing API key","code":4001)"));
    }
}

TEST_CASE("logout invalidates the key at once and ends its sessions") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const std::string id = f.call("GET", "/v1/auth/user", key).body["key"]["id"];
    const auto r = f.call("POST", "/v1/auth/logout", key);
    CHECK(r.status == 204);
    CHECK(r.text.empty());
    const auto after = f.call("GET", "/v1/auth/user", key);
    CHECK(is_error(after, 401, "unauthorized", 4001));
    CHECK(after.body["reason"] == "revoked_key");
    REQUIRE(f.edge.closed_keys().size() == 1);
    CHECK(f.edge.closed_keys()[0] == std::pair(id, errc::revoked_key));
}

TEST_CASE("bodies that are not a JSON object of bounded size and depth are refused") {
    service_fixture f;
    const auto send = [&](std::string body) {
        instatunnel::service::api_request request;
        request.method = "POST";
        request.path = "/v1/auth/login";
        request.remote_address = f.address;
        request.body = secret(std::move(body));
        return f.call_raw(std::move(request));
    };
    for (const std::string body : {"[]", "{", "nonsense", "\"text\"", "{\"email\":\"\xff\"}"}) {
        const auto r = send(body);
        CHECK(is_error(r, 400, "bad_request", 4000));
        CHECK(r.body["field"] == "body");
    }
    CHECK(send("{\"x\":" + std::string(100, '[') + std::string(100, ']') + "}").body["field"] == "body");
    CHECK(is_error(send("{\"email\":\"" + std::string(70000, 'x') + "\"}"), 413, "too_large", 4013));
    CHECK(send("").body["field"] == "email");
}

TEST_CASE("members that nobody asked for are ignored") {
    service_fixture f;
    f.sign_up("ann@example.com");
    const auto r = f.call("POST", "/v1/auth/login", "",
                          {{"email", "ann@example.com"}, {"password", "correct horse"}, {"remember", true}});
    CHECK(r.status == 200);
}
