#include "lookup.hpp"

#include <algorithm>
#include <cerrno>

#include "beneath.hpp"

namespace instatunnel::files {
namespace {

constexpr const char* index_name = "index.html";

found problem(int status) {
    found f;
    f.status = status;
    return f;
}

bool is_regular(int fd, struct stat& info) noexcept {
    return ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
}

// Looked at before it is opened, so that no device or pipe is touched; looked at again after, since it may have been
// replaced in between.
found open_file(int place, const std::string& name) {
    struct stat info {};
    const auto seen = look_beneath(place, name);
    if (!seen) return problem(status_for_errno(errno));
    if (!is_regular(seen.get(), info)) return problem(404);
    found f;
    f.fd = open_file_beneath(place, name);
    if (!f.fd) return problem(status_for_errno(errno));
    if (!is_regular(f.fd.get(), info)) return problem(404);
    f.kind = found_kind::file;
    f.name = name;
    f.version = version_of(info);
    return f;
}

found open_directory(const site_options& options, int place, const request_path& path) {
    auto index = open_file(place, path.file.empty() ? index_name : path.file + "/" + index_name);
    if (index.kind == found_kind::file || index.status != 404) return index;
    if (!options.rules.listing) return problem(404);
    found f;
    f.fd = open_directory_beneath(place, path.file);
    if (!f.fd) return problem(status_for_errno(errno));
    f.kind = found_kind::directory;
    f.name = path.file;
    return f;
}

found open_named(const site_options& options, int place, const request_path& path) {
    if (path.is_hidden && !options.rules.dot_files) return problem(404);
    struct stat info {};
    const auto seen = look_beneath(place, path.file);
    if (!seen || ::fstat(seen.get(), &info) != 0) return problem(status_for_errno(errno));
    if (!S_ISDIR(info.st_mode)) return path.wants_directory ? problem(404) : open_file(place, path.file);
    if (path.wants_directory) return open_directory(options, place, path);
    found f;
    f.kind = found_kind::redirect;
    f.name = path.file;
    return f;
}

}  // namespace

int status_for_errno(int error) noexcept {
    switch (error) {
        case EACCES:
        case EPERM:
            return 403;
        case ENOENT:
        case ENOTDIR:
        case ELOOP:
        case EXDEV:
        case ENAMETOOLONG:
        case EINVAL:
        case ENXIO:
            return 404;
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case EAGAIN:
            return 503;
        default:
            return 500;
    }
}

file_version version_of(const struct stat& info) noexcept {
    using namespace std::chrono;
    // A file system may hold any number; nanoseconds only reach from 1677 to 2262.
    static constexpr std::int64_t last = 9'000'000'000;
    const auto to_time = [](const timespec& t) {
        return sys_time<nanoseconds>(seconds(std::clamp<std::int64_t>(t.tv_sec, -last, last)) + nanoseconds(t.tv_nsec));
    };
    return {static_cast<std::uint64_t>(info.st_size), to_time(info.st_mtim), to_time(info.st_ctim)};
}

found look_up(const site_options& options, std::string_view target, request_path& path) {
    const auto verdict = decode_path(target, path);
    if (verdict == path_verdict::malformed) return problem(400);
    auto place = open_place(options.root);
    if (!place) {
        auto f = problem(503);
        f.is_gone = status_for_errno(errno) != 503;
        return f;
    }
    auto f = verdict == path_verdict::good ? open_named(options, place.get(), path) : problem(404);
    const bool is_route = f.kind == found_kind::problem && f.status == 404 && !path.has_extension && !path.is_hidden;
    if (options.rules.spa && is_route) f = open_file(place.get(), index_name);
    if (f.kind == found_kind::directory) f.place = std::move(place);
    return f;
}

}  // namespace instatunnel::files
