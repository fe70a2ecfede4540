#include <filesystem>

#include "catch_outcome.hpp"
#include "instatunnel/base/file.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

bool can_log_in(service_fixture& f, const instatunnel::service::first_user& user) {
    return f.call("POST", "/v1/auth/login", "", {{"email", user.email}, {"password", user.password.reveal()}}).status ==
           200;
}

}  // namespace

TEST_CASE("the first start of a dev edge makes a user, a password and a key") {
    service_fixture f;
    const auto user = f.subject->ensure_first_user();
    REQUIRE(user);
    CHECK(user->created);
    CHECK(user->email == "dev@localhost");
    CHECK(user->password.reveal().size() == 20);
    const auto account = f.call("GET", "/v1/auth/user", std::string(user->api_key.reveal()));
    CHECK(account.body["email"] == "dev@localhost");
    CHECK(account.body["key"]["name"] == "dev");
    CHECK(account.body["permissions"].size() == 16);
    CHECK(can_log_in(f, *user));

    const auto file = f.folder.path() / "dev.json";
    CHECK(std::filesystem::status(file).permissions() == static_cast<std::filesystem::perms>(0600));
    const auto stored = json::parse(read_private_file(file, 4096).value());
    CHECK(stored ==
          json({{"email", user->email}, {"password", user->password.reveal()}, {"api_key", user->api_key.reveal()}}));
}

TEST_CASE("the second start finds the first user again") {
    service_fixture f;
    const auto first = f.subject->ensure_first_user();
    f.restart();
    const auto second = f.subject->ensure_first_user();
    REQUIRE((first && second));
    CHECK_FALSE(second->created);
    CHECK(second->password.reveal() == first->password.reveal());
    CHECK(second->api_key.reveal() == first->api_key.reveal());
}

TEST_CASE("a dev.json that is lost, damaged or holds a dead key is written anew for the same user") {
    service_fixture f;
    const auto first = f.subject->ensure_first_user();
    REQUIRE(first);
    const auto file = f.folder.path() / "dev.json";
    SECTION("lost") {
        std::filesystem::remove(file);
    }
    SECTION("damaged") {
        REQUIRE(write_file_atomically(file, "{\"email\":", 0600));
    }
    SECTION("dead key") {
        REQUIRE(f.call("POST", "/auth/logout", std::string(first->api_key.reveal())).status == 204);
    }
    f.restart();
    const auto second = f.subject->ensure_first_user();
    REQUIRE(second);
    CHECK(second->created);
    CHECK(second->api_key.reveal() != first->api_key.reveal());
    CHECK(can_log_in(f, *second));
    CHECK_FALSE(can_log_in(f, *first));
    const auto third = f.subject->ensure_first_user();
    CHECK(third->api_key.reveal() == second->api_key.reveal());
}

TEST_CASE("a dev.json that others can read is refused") {
    service_fixture f;
    REQUIRE(f.subject->ensure_first_user());
    std::filesystem::permissions(f.folder.path() / "dev.json", static_cast<std::filesystem::perms>(0644));
    const auto again = f.subject->ensure_first_user();
    REQUIRE_FALSE(again);
    CHECK(again.error().code == errc::file_permission);
}
