#include "clipboard.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "instatunnel/base/unique_fd.hpp"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace instatunnel::cli {
namespace {

constexpr const char* wayland[] = {"wl-copy", nullptr};
constexpr const char* xclip[] = {"xclip", "-selection", "clipboard", nullptr};
constexpr const char* xsel[] = {"xsel", "--clipboard", "--input", nullptr};
constexpr const char* mac[] = {"pbcopy", nullptr};
constexpr const char* windows[] = {"clip.exe", nullptr};

bool feed(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

pid_t start(const char* const* command, int input) {
    posix_spawn_file_actions_t actions;
    if (::posix_spawn_file_actions_init(&actions) != 0) return -1;
    ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    // Some of them stay in the background and would hold a pipe of ours open.
    ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t child = -1;
    const int failed =
        ::posix_spawnp(&child, command[0], &actions, nullptr, const_cast<char* const*>(command), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    return failed == 0 ? child : -1;
}

bool copy_with(const char* const* command, std::string_view text) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    unique_fd reader(ends[0]);
    unique_fd writer(ends[1]);
    const pid_t child = start(command, reader.get());
    if (child < 0) return false;
    reader.reset();
    const bool fed = feed(writer.get(), text);
    writer.reset();
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return fed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

outcome<void> copy_to_clipboard(std::string_view text) {
    for (const char* const* command : {wayland, xclip, xsel, mac, windows})
        if (copy_with(command, text)) return {};
    return failure(errc::file_missing,
                   "No clipboard can be reached: none of wl-copy, xclip, xsel and pbcopy works here",
                   "Print it instead: instatunnel auth show-key --reveal");
}

}  // namespace instatunnel::cli
