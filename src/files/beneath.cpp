#include "beneath.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace instatunnel::files {
namespace {

// The kernel gives up with EAGAIN when something on the way is being moved; nobody moves things for ever.
constexpr int tries = 8;

unique_fd open_beneath(int place, const char* name, int flags) noexcept {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    unique_fd fd;
    for (int i = 0; i < tries; ++i) {
        fd.reset(static_cast<int>(::syscall(SYS_openat2, place, name, &how, sizeof how)));
        if (fd || (errno != EAGAIN && errno != EINTR)) break;
    }
    return fd;
}

const char* or_itself(const std::string& name) noexcept {
    return name.empty() ? "." : name.c_str();
}

}  // namespace

bool can_open_beneath() noexcept {
    return static_cast<bool>(open_beneath(AT_FDCWD, ".", O_PATH));
}

unique_fd open_place(const std::string& path) noexcept {
    return unique_fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

unique_fd look_beneath(int place, const std::string& name) noexcept {
    return open_beneath(place, or_itself(name), O_PATH);
}

unique_fd open_file_beneath(int place, const std::string& name) noexcept {
    return open_beneath(place, or_itself(name), O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

unique_fd open_directory_beneath(int place, const std::string& name) noexcept {
    return open_beneath(place, or_itself(name), O_RDONLY | O_DIRECTORY);
}

}  // namespace instatunnel::files
