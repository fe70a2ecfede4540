#include "instatunnel/base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "instatunnel/base/random.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel {
namespace {

failure io_failure(std::string_view action, const std::filesystem::path& path, int error) {
    const errc code = error == ENOENT ? errc::file_missing : errc::file_io;
    return {code, "Cannot " + std::string(action) + " " + path.string() + ": " + std::strerror(error)};
}

bool write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const auto n = ::write(fd, content.data(), content.size());
        if (n < 0) {
            if (errno == EINTR) continue;
            return false;
        }
        content.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

outcome<std::string> read_all(int fd, const std::filesystem::path& path, std::uint64_t limit) {
    std::string content;
    char block[16384];
    for (;;) {
        const auto n = ::read(fd, block, sizeof block);
        if (n < 0) {
            if (errno == EINTR) continue;
            return io_failure("read", path, errno);
        }
        if (n == 0) return content;
        content.append(block, static_cast<std::size_t>(n));
        if (content.size() > limit)
            return failure(errc::too_large, path.string() + " is larger than " + std::to_string(limit) + " bytes");
    }
}

}  // namespace

outcome<void> write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    const auto temporary = folder / ("." + path.filename().string() + "." + random_base62(8) + ".tmp");

    unique_fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return io_failure("write", path, errno);
    // The umask may have taken bits away; the caller's mode is exact.
    const bool written = ::fchmod(file.get(), mode) == 0 && write_all(file.get(), content) && ::fsync(file.get()) == 0;
    if (!written || ::rename(temporary.c_str(), path.c_str()) != 0) {
        const int error = errno;
        ::unlink(temporary.c_str());
        return io_failure("write", path, error);
    }
    // Without this the rename itself can be lost by a power cut.
    unique_fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory || ::fsync(directory.get()) != 0) return io_failure("sync", folder, errno);
    return {};
}

outcome<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit) {
    unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return io_failure("read", path, errno);
    return read_all(file.get(), path, limit);
}

outcome<std::string> read_private_file(const std::filesystem::path& path, std::uint64_t limit) {
    unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file) {
        if (errno == ELOOP)
            return failure(errc::file_permission, path.string() + " is a symbolic link",
                           "Replace it by the file itself");
        return io_failure("read", path, errno);
    }
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return io_failure("read", path, errno);
    if (info.st_uid != ::geteuid())
        return failure(errc::file_permission, path.string() + " belongs to another user",
                       "Remove it or take it over: chown");
    if ((info.st_mode & 077) != 0)
        return failure(errc::file_permission, path.string() + " can be read by others",
                       "Make it private: chmod 600 " + shell_word(path));
    return read_all(file.get(), path, limit);
}

std::string shell_word(const std::filesystem::path& path) {
    const auto text = path.string();
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("/._-+:@%,=").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::ranges::all_of(text, plain)) return text;
    std::string quoted = "'";
    for (const char c : text)
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    return quoted + "'";
}

outcome<void> make_private_directory(const std::filesystem::path& path) {
    std::error_code ec;
    if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), ec);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return io_failure("create", path, errno);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return io_failure("open", path, errno);
    if (!S_ISDIR(info.st_mode)) return failure(errc::file_io, path.string() + " is not a folder", "Move it away");
    if (info.st_uid != ::geteuid())
        return failure(errc::file_permission, path.string() + " belongs to another user",
                       "Use another folder: INSTATUNNEL_HOME=PATH");
    if ((info.st_mode & 077) != 0 && ::chmod(path.c_str(), 0700) != 0) return io_failure("make private", path, errno);
    return {};
}

}  // namespace instatunnel
