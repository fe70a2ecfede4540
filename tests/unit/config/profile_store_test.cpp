#include "instatunnel/config/profile_store.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "instatunnel/base/unique_fd.hpp"
#include "scratch_folder.hpp"

using instatunnel::errc;
using instatunnel::secret;
using instatunnel::config::profile;
using instatunnel::config::profile_store;
using instatunnel::test::scratch_folder;

namespace {

profile sample(const std::string& key = "it_1234567890abcdef") {
    return {"https://api.t.example.com", "/etc/ca.pem", "user@example.com", secret(key), "key_1"};
}

}  // namespace

TEST_CASE("a profile comes back as it was stored, in a private file and folder") {
    const scratch_folder folder;
    const profile_store store(folder.path() / "home");
    REQUIRE(store.save("default", sample()).has_value());
    CHECK(folder.mode("home") == 0700);
    CHECK(folder.mode("home/config.json") == 0600);

    const auto loaded = store.load("default");
    REQUIRE(loaded.has_value());
    REQUIRE(loaded->has_value());
    CHECK((*loaded)->server == "https://api.t.example.com");
    CHECK((*loaded)->cacert == "/etc/ca.pem");
    CHECK((*loaded)->email == "user@example.com");
    CHECK((*loaded)->key.reveal() == "it_1234567890abcdef");
    CHECK((*loaded)->key_id == "key_1");
}

TEST_CASE("nothing is made and nothing is wrong before the first write") {
    const scratch_folder folder;
    const profile_store store(folder.path() / "home");
    const auto loaded = store.load("default");
    REQUIRE(loaded.has_value());
    CHECK_FALSE(loaded->has_value());
    CHECK(store.names().value().empty());
    CHECK_FALSE(store.setting("default_profile").value().has_value());
    CHECK_FALSE(std::filesystem::exists(folder.path() / "home"));
}

TEST_CASE("members that this version does not know survive every write") {
    const scratch_folder folder;
    folder.write("config.json", R"({"future":[1,2],"profiles":{"default":{"key":"it_1234567890abcdef","plan":"x"}}})");
    const profile_store store(folder.path());
    REQUIRE(store.save("default", sample("it_abcdefghijklmnop")).has_value());
    REQUIRE(store.set_setting("default_profile", "work").has_value());
    const auto text = folder.read("config.json");
    CHECK(text.find("\"future\"") != std::string::npos);
    CHECK(text.find("\"plan\": \"x\"") != std::string::npos);
    CHECK(store.setting("default_profile").value() == "work");
}

TEST_CASE("an emptied member of a profile leaves the file") {
    const scratch_folder folder;
    const profile_store store(folder.path());
    REQUIRE(store.save("default", sample()).has_value());
    auto p = sample();
    p.key = secret();
    p.key_id.clear();
    REQUIRE(store.save("default", p).has_value());
    CHECK(folder.read("config.json").find("key") == std::string::npos);
}

TEST_CASE("profiles are listed and removed by name") {
    const scratch_folder folder;
    const profile_store store(folder.path());
    REQUIRE(store.save("work", sample()).has_value());
    REQUIRE(store.save("dev", sample()).has_value());
    CHECK(store.names().value() == std::vector<std::string>{"dev", "work"});
    REQUIRE(store.remove("dev").has_value());
    CHECK(store.names().value() == std::vector<std::string>{"work"});
    REQUIRE(store.unset_setting("default_profile").has_value());
}

TEST_CASE("a broken configuration file is refused with its path and line, and never overwritten") {
    const scratch_folder folder;
    const profile_store store(folder.path());
    struct row {
        const char* content;
        const char* reason;
    };
    const row rows[] = {
        {"{\"profiles\": {\n  \"default\": {\"key\": \"it_12345", "ends in the middle, line 2"},
        {"{\"profiles\": {", "ends in the middle, line 1"},
        {"{\"profiles\": {\n}, oops", "is not valid JSON, line 2"},
        {"", "config.json is empty"},
        {" \n\n", "config.json is empty"},
        {"\x01\x02\xff", "is not valid JSON, line 1"},
        {"[]", "the document is not a JSON object"},
        {R"({"profiles":[]})", "profiles is not an object"},
        {R"({"profiles":{"default":7}})", "profiles.default is not an object"},
        {R"({"profiles":{"default":{"key":7}}})", "profiles.default.key is not a string"},
    };
    for (const auto& [content, reason] : rows) {
        INFO(content);
        folder.write("config.json", content);
        const auto loaded = store.load("default");
        REQUIRE_FALSE(loaded.has_value());
        CHECK(loaded.error().code == errc::config_invalid);
        CHECK(loaded.error().detail.find(folder.path().string()) != std::string::npos);
        CHECK(loaded.error().detail.find(reason) != std::string::npos);
        CHECK(loaded.error().detail.find("it_12345") == std::string::npos);
    }
    folder.write("config.json", "{\"half");
    CHECK(store.save("default", sample()).error().code == errc::config_invalid);
    CHECK(folder.read("config.json") == "{\"half");
}

TEST_CASE("the way out of a broken file is a command that can be typed, whatever the path") {
    const scratch_folder folder;
    std::filesystem::create_directory(folder.path() / "a b'c");
    folder.write("a b'c/config.json", "{");
    const profile_store store(folder.path() / "a b'c");
    const auto next = store.load("default").error().next;
    const auto quoted = "'" + folder.path().string() + "/a b'\\''c/config.json'";
    CHECK(next ==
          "Mend it, or move it away and sign in again: mv " + quoted + " " + quoted + ".broken && instatunnel login");
    folder.write("a b'c/config.json", "{}", 0640);
    CHECK(store.load("default").error().next == "Make it private: chmod 600 " + quoted);
}

TEST_CASE("what a writer that was killed left behind is removed by the next one, and nothing else") {
    const scratch_folder folder;
    folder.write(".config.json.AbCdEf12.tmp", "{\"profiles\":{\"default\":{\"key\":\"it_");
    folder.write(".other.json.AbCdEf12.tmp", "not ours");
    REQUIRE(profile_store(folder.path()).save("default", sample()).has_value());
    CHECK_FALSE(std::filesystem::exists(folder.path() / ".config.json.AbCdEf12.tmp"));
    CHECK(std::filesystem::exists(folder.path() / ".other.json.AbCdEf12.tmp"));
}

TEST_CASE("a configuration file that others can read is refused with the chmod that mends it") {
    const scratch_folder folder;
    folder.write("config.json", "{}", 0644);
    const auto loaded = profile_store(folder.path()).load("default");
    REQUIRE_FALSE(loaded.has_value());
    CHECK(loaded.error().code == errc::file_permission);
    CHECK(loaded.error().next.find("chmod 600") != std::string::npos);
}

TEST_CASE("a name that cannot be a profile is wrong usage") {
    const scratch_folder folder;
    const profile_store store(folder.path());
    for (const char* name : {"", "a b", "a/b", "ключ"})
        CHECK(store.save(name, sample()).error().code == errc::usage);
}

TEST_CASE("another config file is used where it lies and its folder is left alone") {
    const scratch_folder folder;
    std::filesystem::create_directory(folder.path() / "shared");
    std::filesystem::permissions(folder.path() / "shared", std::filesystem::perms(0755));
    const profile_store store(folder.path() / "home", folder.path() / "shared" / "it.json");
    REQUIRE(store.save("default", sample()).has_value());
    CHECK(folder.mode("shared") == 0755);
    CHECK(folder.mode("shared/it.json") == 0600);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "home"));
}

TEST_CASE("writers at the same time lose nothing") {
    const scratch_folder folder;
    const profile_store store(folder.path());
    std::vector<std::thread> writers;
    for (int i = 0; i < 8; ++i)
        writers.emplace_back([&store, i] { (void)store.save("p" + std::to_string(i), sample()); });
    for (auto& writer : writers)
        writer.join();
    CHECK(store.names().value().size() == 8);
}

TEST_CASE("a lock that stays held is reported") {
    const scratch_folder folder;
    folder.write("config.json.lock", "");
    const instatunnel::unique_fd held(::open((folder.path() / "config.json.lock").c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(::flock(held.get(), LOCK_EX) == 0);
    CHECK(profile_store(folder.path()).save("default", sample()).error().code == errc::config_locked);
}
