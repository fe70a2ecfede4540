#include "instatunnel/auth/scopes.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace instatunnel::auth;
using list = std::vector<std::string>;

TEST_CASE("there are sixteen scopes, each once") {
    const auto all = full_scope_set();
    CHECK(all.size() == 16);
    CHECK(std::set<std::string>(all.begin(), all.end()).size() == 16);
    for (const auto& scope : all) {
        CHECK(is_scope_pattern(scope));
        CHECK(grants(all, scope));
        CHECK(grants(list{"*"}, scope));
        CHECK_FALSE(grants(list{}, scope));
    }
}

TEST_CASE("a wildcard covers its own group and nothing that looks like it") {
    CHECK(covers("tunnels:*", "tunnels:read"));
    CHECK(covers("tunnels:*", "tunnels:stats"));
    CHECK_FALSE(covers("tunnels:*", "logs:read"));
    CHECK_FALSE(covers("tunnels:r*", "tunnels:read"));
    CHECK_FALSE(covers("tunnels", "tunnels:read"));
    CHECK_FALSE(covers("tun*", "tunnels:read"));
    CHECK_FALSE(covers("", "tunnels:read"));
    CHECK_FALSE(covers(":*", "tunnels:read"));
    CHECK_FALSE(covers("tunnels:read", "tunnels:write"));
}

TEST_CASE("only scopes, wildcards of their groups and the star can be asked for") {
    for (const char* text : {"*", "tunnels:*", "admin:*", "keys:*", "org:manage", "analytics:read"})
        CHECK(is_scope_pattern(text));
    for (const char* text : {"", "tunnels", "tunnels:", ":*", "**", "*:*", "tunnels:fly", "Tunnels:read", "x:*",
                             "tunnels:read ", "tunnel:*"})
        CHECK_FALSE(is_scope_pattern(text));
}

TEST_CASE("handing out is possible for what is held, however it is written") {
    CHECK_FALSE(first_missing(list{"tunnels:*"}, "tunnels:read"));
    CHECK_FALSE(first_missing(list{"*"}, "tunnels:*"));
    CHECK_FALSE(first_missing(full_scope_set(), "*"));
    CHECK_FALSE(first_missing(list{"alerts:read", "alerts:write"}, "alerts:*"));
    CHECK(first_missing(list{"alerts:read"}, "alerts:*") == "alerts:write");
    CHECK(first_missing(list{"tunnels:*"}, "*") == "analytics:read");
    CHECK(first_missing(list{}, "org:manage") == "org:manage");
}

TEST_CASE("scopes are read with commas or blanks between") {
    CHECK(parse_scopes("tunnels:read,tunnels:write") == list{"tunnels:read", "tunnels:write"});
    CHECK(parse_scopes(" tunnels:* ,, logs:read logs:read") == list{"tunnels:*", "logs:read"});
    CHECK(parse_scopes("") == list{});
    CHECK_FALSE(parse_scopes("tunnels:read tunnels:fly"));
    CHECK_FALSE(parse_scopes("openid"));
    CHECK_FALSE(parse_scopes("tunnels:read\ntunnels:write"));
}
