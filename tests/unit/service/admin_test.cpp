#include "instatunnel/service/admin.hpp"

#include <filesystem>

#include "catch_outcome.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

TEST_CASE("the owner adds a user on a fresh folder with a password that is made") {
    test::temporary_folder folder;
    const auto added = add_user(folder.path() / "edge", "Ann@Example.com", std::nullopt, "", "");
    REQUIRE(added);
    CHECK(added->email == "ann@example.com");
    CHECK(added->name == "ann");
    CHECK(added->plan == "pro");
    CHECK(added->password_was_made);
    CHECK(added->password.reveal().size() == 20);
    const auto users = list_users(folder.path() / "edge");
    REQUIRE(users);
    REQUIRE(users->size() == 1);
    CHECK(users->front().email == "ann@example.com");
    CHECK(users->front().id == added->id);
}

TEST_CASE("a user added while the edge runs can sign in") {
    service_fixture f(/*dev=*/false);
    REQUIRE(add_user(f.folder.path(), "ann@example.com", secret("correct horse"), "Ann", "business"));
    const auto r = f.call("POST", "/v1/auth/login", "", {{"email", "ann@example.com"}, {"password", "correct horse"}});
    REQUIRE(r.status == 200);
    CHECK(r.body["user"]["name"] == "Ann");
    CHECK(f.call("GET", "/v1/auth/user", r.body["api_key"]).body["plan"] == "business");
}

TEST_CASE("adding a user refuses what it cannot use") {
    test::temporary_folder folder;
    const auto code = [&](const std::string& email, const std::string& password, const std::string& name,
                          const std::string& plan) {
        const auto added = add_user(folder.path(), email, secret(password), name, plan);
        return added ? errc::ok : added.error().code;
    };
    CHECK(code("nobody", "correct horse", "", "") == errc::usage);
    CHECK(code("a@b.c", "1234567", "", "") == errc::usage);
    CHECK(code("a@b.c", "correct horse", "a\tb", "") == errc::usage);
    CHECK(code("a@b.c", "correct horse", "", "gold") == errc::usage);
    CHECK(code("a@b.c", "correct horse", "", "free") == errc::ok);
    CHECK(code("A@b.c", "correct horse", "", "free") == errc::already_exists);
}

TEST_CASE("listing users of a folder without data says so and makes nothing") {
    test::temporary_folder folder;
    const auto users = list_users(folder.path());
    REQUIRE_FALSE(users);
    CHECK(users.error().code == errc::file_missing);
    CHECK(std::filesystem::is_empty(folder.path()));
}
