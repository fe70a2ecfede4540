#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/help_page.hpp"
#include "cli/parser.hpp"
#include "instatunnel/base/error.hpp"

using namespace instatunnel::cli;

TEST_CASE("docs/cli.md is what the program prints") {
    std::ostringstream page;
    page << std::ifstream(CLI_REFERENCE, std::ios::binary).rdbuf();
    INFO("write it anew: instatunnel help --markdown > docs/cli.md");
    CHECK(page.str() == render_markdown(describe_commands()));
}

TEST_CASE("every command has a page with a summary, and every flag a text") {
    const auto pages = describe_commands();
    std::set<std::string> paths;
    for (const auto& page : pages) {
        INFO(page.path);
        CHECK(paths.insert(page.path).second);
        CHECK_FALSE(page.summary.empty());
        for (const auto& [names, text] : page.flags) {
            INFO(names);
            CHECK_FALSE(text.empty());
        }
        if (page.subcommands.empty()) CHECK_FALSE(page.examples.empty());
    }
    for (const char* path : {"",
                             "tunnel",
                             "connect",
                             "ls",
                             "kill",
                             "login",
                             "logout",
                             "whoami",
                             "auth set-key",
                             "auth show-key",
                             "auth status",
                             "auth test",
                             "config show",
                             "demo",
                             "serve",
                             "admin user add",
                             "admin user ls",
                             "admin audit ls",
                             "admin audit verify",
                             "admin audit export",
                             "version",
                             "help"})
        CHECK(paths.contains(path));
}

TEST_CASE("commands that do not exist yet are not listed") {
    const auto text = render_markdown(describe_commands());
    for (const char* word : {"webhook"})
        CHECK(text.find(word) == std::string::npos);
}

TEST_CASE("help of a command shows usage and example before the flags") {
    const auto pages = describe_commands();
    const auto* page = find_page(pages, "kill");
    REQUIRE(page != nullptr);
    const auto text = render_page(*page, pages);
    CHECK(
        text.starts_with("Stop a tunnel of the account, wherever it runs (also: --kill NAME).\n\n"
                         "Usage: instatunnel kill NAME [FLAGS]\n\n"
                         "Examples:\n  instatunnel kill demo\n\n"
                         "Arguments:\n  NAME  Name, host or id of the tunnel\n\n"
                         "Global flags:\n"));
    CHECK(find_page(pages, "http") == find_page(pages, "tunnel"));
    CHECK(find_page(pages, "nothing") == nullptr);
}

TEST_CASE("the table of exit codes names each code once") {
    CHECK(render_exit_codes() ==
          "0  done\n1  other failure\n2  wrong usage, also a malformed key, name or target\n"
          "3  not authenticated: no key, or one that is invalid, revoked or expired\n4  not permitted: scope or plan\n"
          "5  cannot reach the server\n6  name or resource taken, or not found\n7  rate limited\n"
          "8  the local target cannot be reached where that is what was asked\n");
}
