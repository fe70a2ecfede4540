#include "catch_outcome.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

outcome<instatunnel::service::granted_tunnel> connect(service_fixture& f, const json& made,
                                                      const std::string& key = "") {
    instatunnel::service::tunnel_claim claim;
    claim.key = secret(key);
    claim.existing_host = "#" + made["id"].dump();
    claim.remote_address = service_fixture::remote;
    return f.admit(std::move(claim));
}

void allow_anonymous(service_fixture& f) {
    f.options.anonymous_tunnels = true;
    f.restart();
}

}  // namespace

TEST_CASE("a published client's tunnel has the published shape and is found by its number") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto made = f.call("POST", "/tunnels", key, {{"local_port", 3000}, {"subdomain", "Demo"}});
    REQUIRE(made.status == 201);
    CHECK(made.body["id"].is_number_unsigned());
    CHECK(made.body["subdomain"] == "demo");
    CHECK(made.body["local_port"] == 3000);
    CHECK(made.body["status"] == "inactive");
    CHECK(made.body["url"] == "https://demo.t.example.com:8443");
    CHECK(made.body.size() == 5);
    CHECK(f.call("GET", "/tunnels", key).body == json::array({made.body}));
    const auto granted = connect(f, made.body, key);
    REQUIRE(granted);
    CHECK(granted->name == "demo");
    CHECK(granted->access == nullptr);
    CHECK(connect(f, made.body, f.sign_up("bob@example.com")).error().code == errc::not_found);
    // Its target is still known: the client that came by number said none.
    CHECK(f.call("GET", "/tunnels", key).body[0]["local_port"] == 3000);
}

TEST_CASE("what the account has is kept with the new port, what another one has is taken") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto first = f.call("POST", "/tunnels", key, {{"local_port", 1}, {"subdomain", "demo"}});
    const auto again = f.call("POST", "/tunnels", key, {{"local_port", 2}, {"subdomain", "demo"}});
    CHECK(again.status == 201);
    CHECK(again.body["id"] == first.body["id"]);
    CHECK(again.body["local_port"] == 2);
    const auto bob = f.sign_up("bob@example.com");
    CHECK(is_error(f.call("POST", "/tunnels", bob, {{"subdomain", "demo"}}), 409, "conflict", 4009));
}

TEST_CASE("a custom domain is a name below the edge's, or refused") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto ours = f.call("POST", "/tunnels", key, {{"custom_domain", "shop.t.example.com"}});
    CHECK(ours.body["subdomain"] == "shop");
    const auto other = f.call("POST", "/tunnels", key, {{"custom_domain", "shop.example.org"}});
    CHECK(is_error(other, 422, "invalid", 4022));
    CHECK(other.body["field"] == "custom_domain");
    for (const json& body : {json{{"local_port", 0}}, json{{"local_port", 65536}}, json{{"basic_auth", "nocolon"}},
                             json{{"password", std::string(257, 'x')}}})
        CHECK(f.call("POST", "/tunnels", key, body).status == 422);
}

TEST_CASE("what visitors are asked for comes with the grant, after a restart too, and is nowhere in the clear") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto made =
        f.call("POST", "/tunnels", key, {{"password", "visitors-word"}, {"basic_auth", "ann:second-word"}});
    REQUIRE(made.status == 201);
    CHECK(made.text.find("word") == std::string::npos);
    f.restart();
    const auto granted = connect(f, made.body, key);
    REQUIRE(granted);
    REQUIRE(granted->access != nullptr);
    CHECK(granted->access->password.reveal() == "visitors-word");
    CHECK(granted->access->basic.reveal() == "ann:second-word");
    CHECK(granted->access->seed.reveal().size() == 43);
}

TEST_CASE("whether a name or host is there is told to everybody") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    f.call("POST", "/tunnels", key, {{"subdomain", "demo"}});
    CHECK(f.call("GET", "/tunnels/subdomain/demo/exists").body == json{{"exists", true}});
    CHECK(f.call("GET", "/tunnels/subdomain/other/exists").body == json{{"exists", false}});
    CHECK(f.call("GET", "/tunnels/domain/demo.t.example.com/exists").status == 200);
    CHECK(f.call("GET", "/tunnels/domain/demo.example.org/exists").status == 404);
    CHECK(f.call("DELETE", "/tunnels/subdomain/demo", key).status == 200);
    CHECK(f.call("DELETE", "/tunnels/subdomain/demo", key).status == 404);
    CHECK(f.call("GET", "/tunnels/subdomain/demo/exists").body == json{{"exists", false}});
}

TEST_CASE("without a key nothing is opened unless the owner of the edge allows it") {
    service_fixture f;
    CHECK(f.call("POST", "/tunnels").status == 401);
    CHECK(f.call("GET", "/tunnels").status == 401);
    CHECK(connect(f, {{"id", 1}}).error().code == errc::no_key);
    allow_anonymous(f);
    CHECK(f.call("POST", "/v1/tunnels").status == 401);
    CHECK(f.call("POST", "/tunnels", "it_wrongwrongwrong12").status == 401);
    CHECK(f.call("POST", "/tunnels").status == 201);
    CHECK(f.call("GET", "/tunnels").body == json::array());
}

TEST_CASE("a tunnel without an account ends two hours after it was last connected, and its name is free again") {
    service_fixture f;
    allow_anonymous(f);
    const auto made = f.call("POST", "/tunnels", "", {{"local_port", 3000}});
    REQUIRE(made.status == 201);
    CHECK(made.body.contains("expires_at"));
    auto granted = connect(f, made.body);
    REQUIRE(granted);
    CHECK(granted->key_id.empty());
    instatunnel::service::live_tunnel live;
    live.tunnel_id = granted->tunnel_id;
    live.account_id = granted->account_id;
    live.name = granted->name;
    f.edge.set_live({live});
    f.advance(std::chrono::minutes(90));
    f.wait_for_ticks();
    f.advance(std::chrono::minutes(90));
    f.wait_for_ticks();
    CHECK(connect(f, made.body));
    f.edge.set_live({});
    f.advance(std::chrono::minutes(121));
    CHECK(connect(f, made.body).error().code == errc::not_found);
    const auto path = "/tunnels/subdomain/" + made.body["subdomain"].get<std::string>() + "/exists";
    CHECK(f.eventually([&] {
        f.advance(std::chrono::seconds(31));
        return f.call("GET", path).body["exists"] == false;
    }));
}

TEST_CASE("an address has three tunnels without an account, and no name of its own choice") {
    service_fixture f;
    allow_anonymous(f);
    for (int i = 0; i < 3; ++i)
        CHECK(f.call("POST", "/tunnels").status == 201);
    CHECK(is_error(f.call("POST", "/tunnels"), 403, "forbidden", 4003));
    f.address = "198.51.100.9";
    CHECK(f.call("POST", "/tunnels").status == 201);
    CHECK(is_error(f.call("POST", "/tunnels", "", {{"subdomain", "mine"}}), 403, "forbidden", 4003));
}

TEST_CASE("guessing numbers without a key counts like guessing keys") {
    service_fixture f;
    allow_anonymous(f);
    errc last = errc::ok;
    for (int i = 0; i < 1000 && last != errc::rate_limited; ++i)
        last = connect(f, {{"id", i + 1}}).error().code;
    CHECK(last == errc::rate_limited);
}
