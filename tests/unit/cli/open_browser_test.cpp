#include "cli/open_browser.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "scratch_folder.hpp"

using namespace instatunnel;
using cli::browser_commands;

namespace {

using command_line = std::vector<std::string>;
const std::string url = "https://api.t.example.com/oauth/authorize?a=b&c=%2A;$(touch x)";

}  // namespace

TEST_CASE("BROWSER names commands between colons, and the desktop's own come after them") {
    const auto commands = browser_commands("firefox --new-tab:w3m -o x=%s -y", url);
    REQUIRE(commands.size() == 5);
    CHECK(commands[0] == command_line{"firefox", "--new-tab", url});
    CHECK(commands[1] == command_line{"w3m", "-o", "x=" + url, "-y"});
    CHECK(commands[2] == command_line{"xdg-open", url});
    CHECK(commands[3] == command_line{"open", url});
    CHECK(commands[4] == command_line{"wslview", url});
    CHECK(browser_commands(" : :", url).size() == 3);
    CHECK(browser_commands("", url).front() == command_line{"xdg-open", url});
}

TEST_CASE("a browser is started apart from us: own session, nothing inherited, and the address is one word") {
    const test::scratch_folder folder;
    const auto script = folder.path() / "browser";
    const auto seen = folder.path() / "seen";
    std::ofstream(script)
        << "#!/bin/sh\n"
           "{ echo \"$#|$1\"; ls -l /proc/$$/fd | grep -c leaked; readlink /proc/$$/fd/1;\n"
           "  cut -d' ' -f6 /proc/$$/stat; echo $$;\n"
           // Read by the shell itself: it blocks all signals for a moment whenever it starts a program.
           "  while read -r line; do case $line in SigBlk*) echo \"$line\";; esac; done </proc/$$/status; } > "
        << seen.string() << ".part\nmv " << seen.string() << ".part " << seen.string() << "\n";
    REQUIRE(::chmod(script.c_str(), 0755) == 0);
    // Left open on purpose, as a file of ours without CLOEXEC would be.
    const int leaked = ::open((folder.path() / "leaked").c_str(), O_RDONLY | O_CREAT, 0600);
    REQUIRE(cli::open_browser("no-such-program-anywhere:" + script.string(), url));
    REQUIRE(::wait(nullptr) > 0);
    ::close(leaked);
    std::ifstream file(seen);
    command_line lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    REQUIRE(lines.size() == 6);
    CHECK(lines[0] == "1|" + url);
    CHECK(lines[1] == "0");
    CHECK(lines[3] == lines[4]);  // its session is its own
    CHECK(lines[5] == "SigBlk:\t0000000000000000");
}
