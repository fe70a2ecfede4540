#include "instatunnel/config/mcp_tokens.hpp"

#include <sys/stat.h>

#include <thread>
#include <vector>

#include "catch_outcome.hpp"
#include "instatunnel/base/file.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using config::mcp_token_store;

namespace {

constexpr const char* one_server = "https://api.t.example.com";

std::string taken_token(const mcp_token_store& s, const char* name, bool rotate = false,
                        const char* server = one_server) {
    const auto got = s.take(server, name, rotate);
    REQUIRE(got);
    return std::string(got->token.reveal());
}

}  // namespace

TEST_CASE("a tunnel's token is made at first use and kept by server and name") {
    test::temporary_folder folder;
    const mcp_token_store s(folder.path() / "home");
    const auto first = s.take(one_server, "demo", false);
    REQUIRE(first);
    CHECK(first->is_new);
    const std::string token(first->token.reveal());
    CHECK(token.size() == 44);
    CHECK(token.starts_with("itm_"));
    const auto again = mcp_token_store(folder.path() / "home").take(one_server, "demo", false);
    REQUIRE(again);
    CHECK_FALSE(again->is_new);
    CHECK(again->token.reveal() == token);
    CHECK(taken_token(s, "other") != token);
    CHECK(taken_token(s, "demo", false, "https://api.other.example") != token);
    CHECK(taken_token(s, "demo") == token);
    struct stat info {};
    REQUIRE(::stat(s.file().c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE("rotating replaces one token and no other") {
    test::temporary_folder folder;
    const mcp_token_store s(folder.path());
    const auto demo = taken_token(s, "demo"), other = taken_token(s, "other");
    const auto next = taken_token(s, "demo", /*rotate=*/true);
    CHECK(next != demo);
    CHECK(taken_token(s, "demo") == next);
    CHECK(taken_token(s, "other") == other);
}

TEST_CASE("processes that ask for the same token at once get the same one") {
    test::temporary_folder folder;
    std::vector<std::string> got(8);
    std::vector<std::thread> threads;
    for (auto& held : got)
        threads.emplace_back([&] {
            const auto taken_now = mcp_token_store(folder.path()).take(one_server, "demo", false);
            if (taken_now) held = taken_now->token.reveal();
        });
    for (auto& t : threads)
        t.join();
    for (const auto& held : got)
        CHECK((held == got.front() && !held.empty()));
}

TEST_CASE("a file that others could read, or that is damaged, is refused with what mends it") {
    test::temporary_folder folder;
    const mcp_token_store s(folder.path());
    REQUIRE(write_file_atomically(s.file(), "{}", 0644));
    CHECK(s.take(one_server, "demo", false).error().code == errc::file_permission);
    REQUIRE(write_file_atomically(s.file(), "{\"servers\":", 0600));
    const auto damaged = s.take(one_server, "demo", false);
    REQUIRE_FALSE(damaged);
    CHECK(damaged.error().code == errc::config_invalid);
    CHECK(damaged.error().next.find("rm ") != std::string::npos);
    CHECK(*read_file(s.file(), 100) == "{\"servers\":");
    REQUIRE(
        write_file_atomically(s.file(), R"({"servers":{"https://api.t.example.com":{"demo":"short"}},"x":1})", 0600));
    CHECK(taken_token(s, "demo").size() == 44);
    CHECK(read_file(s.file(), 1000)->find("\"x\": 1") != std::string::npos);
}
