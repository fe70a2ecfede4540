#include "cli/tunnel_plan.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;

namespace {

open_options to(const char* target) {
    open_options o;
    o.target = target;
    return o;
}

errc refused(const open_options& o) {
    const auto plan = plan_tunnel(o);
    REQUIRE_FALSE(plan.has_value());
    return plan.error().code;
}

}  // namespace

TEST_CASE("the target comes from the word, --port or a framework, and from one of them only") {
    CHECK(plan_tunnel(to("app.test:80"))->upstream->display == "app.test:80");
    CHECK_FALSE(plan_tunnel({})->upstream.has_value());
    open_options o;
    o.port = "8080";
    CHECK(plan_tunnel(o)->upstream->port == 8080);
    o.port = "host:80";
    CHECK(refused(o) == errc::malformed_target);
    o.port.clear();
    o.react = true;
    CHECK(plan_tunnel(o)->upstream->port == 3000);
    o.laravel = true;
    CHECK(refused(o) == errc::usage);
    o.react = false;
    CHECK(plan_tunnel(o)->upstream->port == 8000);
    auto twice = to("3000");
    twice.port = "3000";
    CHECK(plan_tunnel(twice)->upstream->port == 3000);
    twice.port = "3001";
    CHECK(refused(twice) == errc::usage);
}

TEST_CASE("a name is folded to lower case and must be a DNS label") {
    auto o = to("3000");
    o.subdomain = "Demo-1";
    CHECK(plan_tunnel(o)->name == "demo-1");
    for (const char* name : {"-x", "x-", "a.b", "a_b", "ü", "xn--x", "a b"}) {
        o.subdomain = name;
        CHECK(refused(o) == errc::malformed_name);
    }
}

TEST_CASE("connect needs exactly one of name and host") {
    auto o = to("3000");
    o.connect = true;
    CHECK(refused(o) == errc::usage);
    o.subdomain = "demo";
    CHECK(plan_tunnel(o)->existing_host == "demo");
    CHECK(plan_tunnel(o)->name.empty());
    o.domain = "demo.t.example.com";
    CHECK(refused(o) == errc::usage);
    o.subdomain.clear();
    CHECK(plan_tunnel(o)->existing_host == "demo.t.example.com");
    o.domain = "https://demo";
    CHECK(refused(o) == errc::malformed_name);
}

TEST_CASE("the Host for the local program is kept, rewritten or fixed") {
    auto o = to("3000");
    CHECK(plan_tunnel(o)->host_mode == client::host_header::preserve);
    o.host_header = "rewrite";
    CHECK(plan_tunnel(o)->host_mode == client::host_header::rewrite);
    o.host_header = "app.test:3000";
    CHECK(plan_tunnel(o)->host_mode == client::host_header::fixed);
    CHECK(plan_tunnel(o)->host_value == "app.test:3000");
    o.host_header = "a\r\nX: y";
    CHECK(refused(o) == errc::usage);
}

TEST_CASE("the local program speaks what --upstream says") {
    auto o = to("3000");
    CHECK(plan_tunnel(o)->protocol == client::app_protocol::automatic);
    o.upstream = "http1";
    CHECK(plan_tunnel(o)->protocol == client::app_protocol::http1);
    o.upstream = "h2c";
    CHECK(plan_tunnel(o)->protocol == client::app_protocol::h2c);
    for (const char* name : {"h2", "http2", "H2C", ""}) {
        o.upstream = name;
        CHECK(refused(o) == errc::usage);
    }
}

TEST_CASE("the transport is v1, v2 or what the server has") {
    auto o = to("3000");
    CHECK(plan_tunnel(o)->via == client::transport::automatic);
    o.transport = "v1";
    CHECK(plan_tunnel(o)->via == client::transport::v1);
    o.transport = "v2";
    CHECK(plan_tunnel(o)->via == client::transport::v2);
    for (const char* name : {"v3", ""}) {
        o.transport = name;
        CHECK(refused(o) == errc::usage);
    }
}

TEST_CASE("a directory is a target by its path or by its bare name") {
    test::temporary_folder folder;
    std::filesystem::create_directory(folder.path() / "dist");
    std::filesystem::create_directory(folder.path() / "8080");
    const test::working_folder here(folder.path());
    for (const char* word : {"dist", "./dist", "dist/", ".", "..", "../"}) {
        const auto plan = plan_tunnel(to(word));
        REQUIRE(plan.has_value());
        CHECK(plan->upstream->is_directory);
        CHECK(plan->upstream->display == word);
        CHECK(std::filesystem::equivalent(plan->upstream->directory, folder.path() / word));
    }
    CHECK_FALSE(plan_tunnel(to("8080"))->upstream->is_directory);
    CHECK(plan_tunnel(to("./8080"))->upstream->is_directory);
    folder.write("dist/file", "x");
    CHECK(refused(to("./dist/file")) == errc::malformed_target);
    CHECK(refused(to("./none")) == errc::target_unreachable);
    CHECK(refused(to("none/")) == errc::target_unreachable);
}

TEST_CASE("flags of a directory and of a program do not mix") {
    test::temporary_folder folder;
    auto o = to(folder.path().c_str());
    o.directory = {true, true, true};
    const auto rules = plan_tunnel(o)->directory_rules;
    CHECK((rules.spa && !rules.listing && rules.dot_files));
    o.host_header = "rewrite";
    CHECK(refused(o) == errc::usage);
    o.host_header = "preserve";
    o.upstream = "h2c";
    CHECK(refused(o) == errc::usage);
    auto port = to("3000");
    port.directory.spa = true;
    CHECK(refused(port) == errc::usage);
    port.target.clear();
    CHECK(refused(port) == errc::usage);
}

TEST_CASE("a directory is shown short and without control characters") {
    CHECK(client::directory_target("a\x1b]0;x").display == "a?]0;x");
    const auto shown = client::directory_target("/" + std::string(400, 'd') + "/end").display;
    CHECK(shown.size() < 120);
    CHECK(shown.ends_with("/end"));
}
