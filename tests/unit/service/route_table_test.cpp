#include "service/route_table.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel::service;

TEST_CASE("a placeholder stands for one segment, at the end of a path or inside it") {
    CHECK(find_route("DELETE", "/auth/keys/key_1").parameter == "key_1");
    const auto inside = find_route("POST", "/auth/keys/key_1/rotate");
    REQUIRE(inside.found != nullptr);
    CHECK(inside.found->pattern == "/auth/keys/:id/rotate");
    CHECK(inside.parameter == "key_1");
    CHECK(find_route("GET", "/auth/keys").parameter.empty());
}

TEST_CASE("what is no single segment is no parameter") {
    for (const char* path : {"/auth/keys/", "/auth/keys/a/b", "/auth/keys//rotate", "/auth/keys/rotate/",
                             "/auth/keys/a/b/rotate", "/auth/keysrotate", "/auth/keys/a/rotate/"}) {
        INFO(path);
        for (const char* method : {"GET", "POST", "PATCH", "DELETE"})
            CHECK(find_route(method, path).found == nullptr);
    }
    const std::string longest(255, 'x');
    CHECK(find_route("DELETE", "/auth/keys/" + longest).found != nullptr);
    CHECK(find_route("DELETE", "/auth/keys/" + longest + "x").found == nullptr);
}

TEST_CASE("a known path names the methods it knows") {
    const auto match = find_route("PUT", "/auth/keys/key_1");
    CHECK(match.found == nullptr);
    CHECK(match.allow == "GET, HEAD, PATCH, DELETE");
    CHECK(find_route("GET", "/auth/keys/key_1/rotate").allow == "POST");
    CHECK(find_route("HEAD", "/auth/keys/key_1").found->method == "GET");
}
