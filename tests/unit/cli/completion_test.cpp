#include "cli/completion.hpp"

#include "cli/parser.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::cli_fixture;
using test::status_of;

TEST_CASE("every command and flag is in the script of every shell") {
    const auto pages = describe_commands();
    for (const char* shell : {"bash", "zsh", "fish"}) {
        const auto script = render_completion(shell, pages);
        REQUIRE(script.has_value());
        for (const auto& page : pages) {
            INFO(shell << ": " << page.path);
            CHECK(script->find("'" + page.path + "'") != std::string::npos);
            for (const auto& flag : page.flags) {
                const auto start = flag.names.find("--");
                if (start == std::string::npos) continue;
                const auto word = flag.names.substr(start, flag.names.find_first_of(", ", start) - start);
                INFO(word);
                CHECK(script->find(std::string(shell) == "fish" ? "-l " + word.substr(2) : word) != std::string::npos);
            }
        }
    }
}

TEST_CASE("texts with quotes and colons stay one word of the script") {
    const std::vector<command_page> pages = {{"", "", "", {}, {}, {}, {"a"}},
                                             {"a", "", "it's 50 % done: $HOME `x`", {}, {}, {}, {}}};
    CHECK(render_completion("zsh", pages)->find(R"('a:it'\''s 50 % done: $HOME `x`')") != std::string::npos);
    CHECK(render_completion("fish", pages)->find(R"(-d 'it'\''s 50 % done: $HOME `x`')") != std::string::npos);
    CHECK(render_completion("bash", pages)->find("HOME") == std::string::npos);
}

TEST_CASE("completion for another shell is wrong usage") {
    cli_fixture f;
    CHECK(status_of(f.run(run_completion, {"zhs"})) == 2);
    CHECK(f.err.text() == "Error: There is no completion for \"zhs\". Did you mean: instatunnel completion zsh\n");
    CHECK(status_of(f.run(run_completion, {"bash"})) == 0);
    CHECK(f.out.text().ends_with("complete -F _instatunnel instatunnel it\n"));
}
