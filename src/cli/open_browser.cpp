#include "open_browser.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string_view>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace instatunnel::cli {
namespace {

constexpr const char* desktop_openers[] = {"xdg-open", "open", "wslview"};
constexpr std::string_view blanks = " \t";

std::vector<std::string> split(std::string_view text, std::string_view separators) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find_first_of(separators), text.size());
        if (end > 0) parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::vector<std::string> with_url(std::vector<std::string> words, const std::string& url) {
    bool placed = false;
    for (auto& word : words) {
        const auto at = word.find("%s");
        if (at == std::string::npos) continue;
        word.replace(at, 2, url);
        placed = true;
    }
    if (!placed) words.push_back(url);
    return words;
}

/// What a program needs that outlives us: our signals, blocked or ignored here, are its own again.
class detached_start {
public:
    detached_start() {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        ::posix_spawnattr_init(&attributes_);
        sigset_t none, ignored;
        ::sigemptyset(&none);
        ::sigemptyset(&ignored);
        ::sigaddset(&ignored, SIGPIPE);
        ::sigaddset(&ignored, SIGXFSZ);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &ignored);
        ::posix_spawnattr_setflags(
            &attributes_, static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    }
    ~detached_start() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    detached_start(const detached_start&) = delete;
    detached_start& operator=(const detached_start&) = delete;

    bool run(std::vector<std::string>& words) const {
        std::vector<char*> arguments;
        for (auto& word : words)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        pid_t child = -1;
        return ::posix_spawnp(&child, arguments[0], &actions_, &attributes_, arguments.data(), environ) == 0;
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

}  // namespace

std::vector<std::vector<std::string>> browser_commands(const std::string& browser, const std::string& url) {
    std::vector<std::vector<std::string>> commands;
    for (const auto& command : split(browser, ":")) {
        auto words = split(command, blanks);
        if (!words.empty()) commands.push_back(with_url(std::move(words), url));
    }
    for (const char* opener : desktop_openers)
        commands.push_back({opener, url});
    return commands;
}

bool open_browser(const std::string& browser, const std::string& url) {
    auto commands = browser_commands(browser, url);
    const detached_start start;
    return std::ranges::any_of(commands, [&](auto& command) { return start.run(command); });
}

}  // namespace instatunnel::cli
