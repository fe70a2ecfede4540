#include "cli/mcp_access.hpp"

#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;

namespace {

open_options mcp_with(const char* auth, bool mcp = true) {
    open_options o;
    o.mcp = mcp;
    o.mcp_auth = auth;
    return o;
}

struct token_taking : cli_fixture {
    std::string taken(const open_options& o, const tunnel_plan& plan) {
        terminal term(in.fd(), out.fd(), err.fd(), traits);
        const auto profiles = store();
        auto c = context_for(term, profiles);
        credentials in_use;
        in_use.server = "https://api.t.example.com";
        const auto token = take_mcp_token(o, plan, in_use, c);
        REQUIRE(token.has_value());
        return std::string(token->reveal());
    }
};

tunnel_plan mcp_named(const char* name, const char* existing = "") {
    tunnel_plan plan;
    plan.name = name;
    plan.existing_host = existing;
    return plan;
}

}  // namespace

TEST_CASE("the words of --mcp-auth are known, others are not") {
    CHECK(read_mcp_access(mcp_with("none", false))->guard == client::mcp_guard::none);
    CHECK(read_mcp_access(mcp_with("bearer"))->guard == client::mcp_guard::bearer);
    CHECK(read_mcp_access(mcp_with("oauth"))->guard == client::mcp_guard::oauth);
    CHECK(read_mcp_access(mcp_with("basic")).error().code == errc::usage);
    CHECK(read_mcp_access(mcp_with("")).error().code == errc::usage);
}

TEST_CASE("flags that mean nothing without another one say which") {
    CHECK(read_mcp_access(mcp_with("bearer", false)).error().next == "Add --mcp");
    auto rotate = mcp_with("oauth");
    rotate.mcp_rotate_token = true;
    CHECK(read_mcp_access(rotate).error().next == "Add --mcp-auth bearer");
    auto users = mcp_with("bearer");
    users.mcp_allowed_users = {"ann@example.com"};
    CHECK(read_mcp_access(users).error().next == "Add --mcp-auth oauth");
}

TEST_CASE("people are named by address, or all at once") {
    auto o = mcp_with("oauth");
    o.mcp_allowed_users = {" Ann@Example.com", "bob@example.com"};
    CHECK(read_mcp_access(o)->users == std::vector<std::string>{"ann@example.com", "bob@example.com"});
    o.mcp_allowed_users = {"ann@example.com", "*"};
    CHECK(read_mcp_access(o)->users == std::vector<std::string>{"*"});
    o.mcp_allowed_users = {"ann"};
    CHECK(read_mcp_access(o).error().code == errc::usage);
    o.mcp_allowed_users.assign(101, "ann@example.com");
    CHECK(read_mcp_access(o).error().code == errc::usage);
}

TEST_CASE("a tunnel's token is the same by name and by host, and of this run without a name") {
    token_taking f;
    const auto demo = f.taken(mcp_with("bearer"), mcp_named("demo"));
    CHECK(f.taken(mcp_with("bearer"), mcp_named("demo")) == demo);
    CHECK(f.taken(mcp_with("bearer"), mcp_named("", "demo")) == demo);
    CHECK(f.taken(mcp_with("bearer"), mcp_named("", "demo.t.example.com")) == demo);
    CHECK(f.taken(mcp_with("bearer"), mcp_named("", "demo.other.example")) != demo);
    CHECK(f.taken(mcp_with("bearer"), mcp_named("")) != f.taken(mcp_with("bearer"), mcp_named("")));
    auto rotate = mcp_with("bearer");
    rotate.mcp_rotate_token = true;
    const auto next = f.taken(rotate, mcp_named("demo"));
    CHECK(next != demo);
    CHECK(f.taken(mcp_with("bearer"), mcp_named("demo")) == next);
}
