#include <catch2/catch.hpp>

#include "catch_outcome.hpp"
#include "instatunnel/config/profile_store.hpp"
#include "memory_keyring.hpp"
#include "scratch_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::config;

namespace {

const std::string one = "it_1111111111111111";
const std::string two = "it_2222222222222222";
const std::string dev = "it_dddddddddddddddd";

struct fixture {
    test::scratch_folder folder;
    test::memory_keyring ring;
    profile_store store{folder.path() / "home", {}, &ring};

    void save(const std::string& name, const std::string& key) {
        profile p;
        p.server = "https://api.t.example.com";
        p.email = "me@example.com";
        p.key = secret(key);
        p.key_id = "key_1";
        REQUIRE(store.save(name, p).has_value());
    }
    void save_three() {
        save("default", one);
        save("work", two);
        save("dev", dev);
    }
    std::string key_of(const std::string& name) {
        const auto p = store.load(name).value();
        REQUIRE(p.has_value());
        const auto key = store.key_of(*p);
        return key ? std::string(key->reveal()) : "(" + std::string(code_name(key.error().code)) + ")";
    }
    std::string file() const { return folder.read("home/config.json"); }
    bool all_there() { return key_of("default") == one && key_of("work") == two && key_of("dev") == dev; }
};

}  // namespace

TEST_CASE("keys move to the keyring and back, and nothing else changes", "[keyring]") {
    fixture f;
    f.save_three();
    const auto before = f.file();
    const auto moved = f.store.move_keys(keystore::keyring);
    REQUIRE(moved.has_value());
    CHECK(*moved == std::vector<std::string>{"default", "work"});
    CHECK(f.file().find(one) == std::string::npos);
    CHECK(f.file().find(two) == std::string::npos);
    CHECK(f.file().find(dev) != std::string::npos);
    REQUIRE(f.ring.items.size() == 2);
    CHECK(f.ring.items.begin()->second.server == "https://api.t.example.com");
    CHECK(f.all_there());
    CHECK(f.store.load("default").value()->email == "me@example.com");
    CHECK(f.store.key_place().value() == keystore::keyring);

    CHECK(f.store.move_keys(keystore::file).value() == std::vector<std::string>{"default", "work"});
    CHECK(f.ring.items.empty());
    CHECK(f.all_there());
    CHECK(f.store.key_place().value() == keystore::file);
    CHECK(f.store.unset_setting("keystore").has_value());
    CHECK(f.file().size() >= before.size());
    CHECK(f.file().find("keyring") == std::string::npos);
}

TEST_CASE("a keyring that cannot be used leaves the file as it is", "[keyring]") {
    fixture f;
    f.save_three();
    const auto before = f.file();
    f.ring.locked = true;
    CHECK(f.store.move_keys(keystore::keyring).error().code == errc::keyring_unavailable);
    CHECK(f.file() == before);
    const profile_store without(f.folder.path() / "home");
    CHECK(without.move_keys(keystore::keyring).error().code == errc::keyring_unavailable);
    CHECK(f.file() == before);
    f.ring.locked = false;
    f.ring.forgets = true;
    CHECK(f.store.move_keys(keystore::keyring).error().code == errc::keyring_unavailable);
    CHECK(f.all_there());
}

TEST_CASE("a move that breaks off at any step loses no key, and can be repeated", "[keyring]") {
    for (int steps = 0; steps < 12; ++steps) {
        fixture f;
        f.save_three();
        f.ring.calls_left = steps;
        const bool there = f.store.move_keys(keystore::keyring).has_value();
        f.ring.calls_left = 1000;
        INFO("to the keyring, after " << steps);
        CHECK(f.all_there());
        if (!there) CHECK(f.store.move_keys(keystore::keyring).has_value());
        CHECK(f.all_there());
        CHECK(f.ring.items.size() == 2);
        CHECK(f.file().find(one) == std::string::npos);

        f.ring.calls_left = steps;
        const bool back = f.store.move_keys(keystore::file).has_value();
        f.ring.calls_left = 1000;
        INFO("back, after " << steps);
        CHECK(f.all_there());
        if (!back) CHECK(f.store.move_keys(keystore::file).has_value());
        CHECK(f.all_there());
        CHECK(f.ring.items.empty());
    }
}

TEST_CASE("a new key goes where keys are kept and replaces the old one", "[keyring]") {
    fixture f;
    f.save("default", one);
    REQUIRE(f.store.move_keys(keystore::keyring).has_value());
    f.save("default", two);
    CHECK(f.key_of("default") == two);
    CHECK(f.ring.items.size() == 1);
    CHECK(f.file().find(two) == std::string::npos);
    f.save("dev", dev);
    CHECK(f.file().find(dev) != std::string::npos);
    // The server process has no keyring: it writes the file.
    const profile_store without(f.folder.path() / "home");
    profile p;
    p.key = secret(one);
    CHECK(without.save("default", p).has_value());
    CHECK(f.key_of("default") == one);
}

TEST_CASE("a key that is forgotten leaves the keyring first", "[keyring]") {
    fixture f;
    f.save("default", one);
    REQUIRE(f.store.move_keys(keystore::keyring).has_value());
    f.ring.locked = true;
    CHECK(f.store.save("default", {}).error().code == errc::keyring_unavailable);
    CHECK(f.key_of("default") == "(keyring_unavailable)");
    f.ring.locked = false;
    CHECK(f.key_of("default") == one);
    CHECK(f.store.save("default", {}).has_value());
    CHECK(f.ring.items.empty());
    CHECK_FALSE(f.store.load("default").value()->has_key());
}

TEST_CASE("a key that somebody took out of the keyring is said to be lost, and can be forgotten", "[keyring]") {
    fixture f;
    f.save("default", one);
    REQUIRE(f.store.move_keys(keystore::keyring).has_value());
    f.ring.items.clear();
    CHECK(f.key_of("default") == "(no_key)");
    const auto back = f.store.move_keys(keystore::file);
    CHECK(back.error().code == errc::no_key);
    CHECK(back.error().what_next().find("logout --profile default") != std::string::npos);
    CHECK(f.store.save("default", {}).has_value());
    CHECK(f.store.move_keys(keystore::file).has_value());
}

TEST_CASE("the keyring can be given up without it", "[keyring]") {
    fixture f;
    f.save("default", one);
    REQUIRE(f.store.move_keys(keystore::keyring).has_value());
    f.ring.locked = true;
    CHECK(f.store.unset_setting("keystore").has_value());
    f.save("default", two);
    CHECK(f.key_of("default") == two);
    CHECK(f.file().find(two) != std::string::npos);
}

TEST_CASE("changing a member leaves a key alone that was stored meanwhile", "[keyring]") {
    fixture f;
    f.save("default", one);
    REQUIRE(f.store.set_member("default", "server", "https://api.other.example.com").has_value());
    CHECK(f.key_of("default") == one);
    REQUIRE(f.store.move_keys(keystore::keyring).has_value());
    REQUIRE(f.store.set_member("default", "cacert", "/ca.pem").has_value());
    CHECK(f.key_of("default") == one);
    CHECK(f.store.load("default").value()->server == "https://api.other.example.com");
    REQUIRE(f.store.set_member("default", "cacert", "").has_value());
    CHECK(f.store.load("default").value()->cacert.empty());
}

TEST_CASE("odd members of a file that was edited by hand end nothing", "[keyring]") {
    fixture f;
    std::filesystem::create_directory(f.folder.path() / "home");
    f.folder.write(
        "home/config.json",
        R"({"profiles":{"a":{"key":null,"keyring":null},"b":7,"c":{"key":"it_3333333333333333"}},"settings":{"keystore":3}})");
    CHECK(f.store.move_keys(keystore::keyring).has_value());
    CHECK(f.ring.items.size() == 1);
}
