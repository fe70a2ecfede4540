#include "instatunnel/auth/key.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch_outcome.hpp"
#include "instatunnel/base/names.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::auth;

TEST_CASE("new keys have the published format and never repeat") {
    std::set<std::string> keys;
    for (int i = 0; i < 1000; ++i) {
        const auto key = make_api_key();
        CHECK(key.reveal().size() == 19);
        CHECK(is_api_key(key.reveal()));
        keys.insert(std::string(key.reveal()));
    }
    CHECK(keys.size() == 1000);
}

TEST_CASE("ids and passwords have their length and alphabet") {
    CHECK(make_id("user").size() == 21);
    CHECK(make_id("user").starts_with("user_"));
    CHECK(make_id("tun") != make_id("tun"));
    CHECK(make_password().reveal().size() == 20);
    CHECK(is_api_key("it_" + std::string(make_password().reveal())));
}

TEST_CASE("a digest depends on key and pepper and shows neither") {
    const secret pepper("pepper"), other("other");
    const std::string key = "it_1234567890abcdef";
    const auto digest = key_digest(pepper, key);
    CHECK(digest.size() == 32);
    CHECK(digest == key_digest(pepper, key));
    CHECK(digest != key_digest(other, key));
    CHECK(digest != key_digest(pepper, "it_1234567890abcdeg"));
    CHECK(pepper_fingerprint(pepper) != pepper_fingerprint(other));
    CHECK(pepper_fingerprint(pepper).find("pepper") == std::string::npos);
}

TEST_CASE("the pepper is made once, private, and stays") {
    test::temporary_folder folder;
    const auto first = load_or_make_pepper(folder.path());
    REQUIRE(first);
    CHECK(first->reveal().size() == 64);
    CHECK(test::mode_of(folder.path() / "pepper.key") == 0600);
    CHECK(load_or_make_pepper(folder.path())->reveal() == first->reveal());
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("processes that start at once agree on one pepper") {
    test::temporary_folder folder;
    std::vector<std::string> seen(8);
    std::vector<std::thread> starters;
    for (auto& pepper : seen)
        starters.emplace_back([&] { pepper = std::string(load_or_make_pepper(folder.path()).value().reveal()); });
    for (auto& s : starters)
        s.join();
    CHECK(std::set<std::string>(seen.begin(), seen.end()).size() == 1);
}

TEST_CASE("a pepper that is damaged or open to others is refused") {
    test::temporary_folder folder;
    const auto file = folder.write("pepper.key", "not a pepper\n");
    CHECK(load_or_make_pepper(folder.path()).error().code == errc::store_failed);
    folder.write("pepper.key", std::string(64, 'a') + "\n");
    CHECK(load_or_make_pepper(folder.path()));
    std::filesystem::permissions(file, std::filesystem::perms(0640));
    CHECK(load_or_make_pepper(folder.path()).error().code == errc::file_permission);
}
