#include "catch_outcome.hpp"
#include "instatunnel/auth/name_rules.hpp"
#include "instatunnel/base/names.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

TEST_CASE("a requested name is granted with its host and URL") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto granted = f.admit(key, "Demo");
    REQUIRE(granted);
    CHECK(granted->name == "demo");
    CHECK(granted->host == "demo.t.example.com");
    CHECK(granted->url == "https://demo.t.example.com:8443");
    CHECK(granted->tunnel_id.starts_with("tun_"));
    CHECK(granted->account_id.starts_with("acc_"));
    CHECK(granted->key_id == f.call("GET", "/auth/user", key).body["key"]["id"]);
}

TEST_CASE("a URL on port 443 names no port") {
    service_fixture f;
    f.options.public_port = 443;
    f.restart();
    CHECK(f.admit(f.sign_up("ann@example.com"), "demo")->url == "https://demo.t.example.com");
}

TEST_CASE("two accounts fight for a name: the first one keeps it, also over a restart") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    REQUIRE(f.admit(ann, "demo"));
    const auto refused = f.admit(bob, "demo");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::name_taken);
    CHECK(refused.error().what() == "subdomain already taken: \"demo\" belongs to another account");
    f.restart();
    f.advance(std::chrono::hours(24 * 365));
    CHECK(f.admit(bob, "demo").error().code == errc::name_taken);
    CHECK(f.admit(ann, "demo", "another process"));
}

TEST_CASE("the same account takes its tunnel over from another process") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto first = f.admit(key, "demo", "process-1");
    const auto second = f.admit(key, "demo", "process-2");
    REQUIRE((first && second));
    CHECK(first->tunnel_id == second->tunnel_id);
}

TEST_CASE("a made-up name is usable, and the same process gets it back") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    const auto first = f.admit(key, "", "process-1");
    REQUIRE(first);
    CHECK(is_dns_label(first->name));
    CHECK(f.admit(key, "", "process-1")->name == first->name);
    CHECK(f.admit(key, "", "process-2")->name != first->name);
    f.restart();
    CHECK(f.admit(key, "", "process-1")->name == first->name);
    const auto other = f.sign_up("bob@example.com");
    CHECK(f.admit(other, "", "process-1")->name != first->name);
    CHECK(f.admit(other, first->name).error().code == errc::name_taken);
}

TEST_CASE("names that break the rules are refused with the reason") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    for (const char* name : {"-demo", "demo-", "de_mo", "de.mo", "xn--demo", "ab--cd", "d\xc3\xa9mo"})
        CHECK(f.admit(key, name).error().code == errc::malformed_name);
    CHECK(f.admit(key, std::string(64, 'a')).error().code == errc::malformed_name);
    for (const char* name : {"api", "www", "admin", "LOGIN", "localhost"})
        CHECK(f.admit(key, name).error().code == errc::name_reserved);
}

TEST_CASE("connect needs a tunnel that exists in the account") {
    service_fixture f;
    const auto ann = f.sign_up("ann@example.com");
    const auto bob = f.sign_up("bob@example.com");
    const auto opened = f.admit(ann, "demo");
    REQUIRE(opened);
    const auto connect = [&](const std::string& key, const std::string& host) {
        tunnel_claim claim;
        claim.key = secret(key);
        claim.existing_host = host;
        return f.admit(std::move(claim));
    };
    CHECK(connect(ann, "demo")->tunnel_id == opened->tunnel_id);
    CHECK(connect(ann, "DEMO.t.example.com")->tunnel_id == opened->tunnel_id);
    CHECK(connect(ann, "other").error().code == errc::not_found);
    CHECK(connect(bob, "demo").error().code == errc::not_found);
    CHECK(connect(ann, "demo.example.org").error().code == errc::not_found);
}

TEST_CASE("a tunnel needs a key that works and may write tunnels") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    CHECK(f.admit("", "demo").error().code == errc::malformed_key);
    CHECK(f.admit("it_0123456789abcdef", "demo").error().code == errc::invalid_key);
    const auto refused = f.admit(f.key_with(key, {"tunnels:read"}), "demo");
    CHECK(refused.error().code == errc::forbidden);
    CHECK(std::string(refused.error().what()).find("tunnels:write") != std::string::npos);
    REQUIRE(f.call("POST", "/auth/logout", key).status == 204);
    CHECK(f.admit(key, "demo").error().code == errc::revoked_key);
}

TEST_CASE("wrong keys from one address are limited, but never those of the same machine") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    for (int i = 0; i < 10; ++i)
        CHECK(f.admit("it_0123456789abcdef", "demo").error().code == errc::invalid_key);
    const auto refused = f.admit("it_0123456789abcdef", "demo");
    CHECK(refused.error().code == errc::rate_limited);
    CHECK(f.admit(key, "demo").error().code == errc::rate_limited);
    f.advance(std::chrono::seconds(60));
    CHECK(f.admit(key, "demo"));
    f.address = "127.0.0.1";
    for (int i = 0; i < 30; ++i)
        CHECK(f.admit("it_0123456789abcdef", "demo").error().code == errc::invalid_key);
}

TEST_CASE("what a client calls its target is shown only if it can be shown") {
    service_fixture f;
    const auto key = f.sign_up("ann@example.com");
    tunnel_claim claim;
    claim.key = secret(key);
    claim.name = "demo";
    claim.target = "localhost:3000\x1b[2J";
    claim.instance = std::string(100000, 'x');
    REQUIRE(f.admit(std::move(claim)));
    CHECK(f.call("GET", "/tunnels/demo", key).body["target"] == "");
}
