#include "data_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "instatunnel/base/log.hpp"

namespace instatunnel::app {
namespace {

constexpr std::size_t most_digits = 20;

std::string other_process(int file) {
    char text[most_digits] = {};
    const auto size = ::pread(file, text, sizeof text, 0);
    std::string digits(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    digits.erase(digits.find_last_of("0123456789") + 1);
    const bool is_number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
    return is_number ? " (process " + digits + ")" : "";
}

}  // namespace

outcome<unique_fd> lock_data(const std::filesystem::path& folder) {
    const auto path = (folder / "edge.lock").string();
    const auto cannot = [&path](const char* what) {
        return failure(errc::file_io, what + path + ": " + std::generic_category().message(errno));
    };
    unique_fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file) return cannot("Cannot write ");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) return cannot("Cannot lock ");
        return failure(errc::data_in_use,
                       "Another edge" + other_process(file.get()) + " works with the data in " + folder.string(),
                       "Stop it first, or give this one a folder of its own: --data DIR");
    }
    // Only for the message above: a full disk is no reason not to serve.
    const auto own = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), own.data(), own.size(), 0) < 0)
        log::debug("data_lock.no_owner").with("reason", std::generic_category().message(errno));
    return file;
}

}  // namespace instatunnel::app
