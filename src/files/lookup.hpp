#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "conditions.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/files/site.hpp"
#include "request_path.hpp"

namespace instatunnel::files {

enum class found_kind : std::uint8_t {
    file,
    directory,  ///< to be listed
    redirect,   ///< a directory that was asked for without its slash
    problem,
};

/// What stands behind a path.
struct found {
    found_kind kind = found_kind::problem;
    int status = 404;      ///< of a problem: 400, 403, 404, 500 or 503
    unique_fd place;       ///< of a directory: the shared one
    unique_fd fd;          ///< the file or directory, open for reading
    std::string name;      ///< below the shared directory; of a file it decides about the media type
    file_version version;  ///< of a file
    bool is_gone = false;  ///< the shared directory itself is not there
};

/// Looks a request's path up below the directory of `options`. Blocks on the disk, never on what the file is: only
/// regular files and directories are opened, without waiting. What leads outside is not there (404).
found look_up(const site_options& options, std::string_view target, request_path& path);

/// The status that a failed open means to a visitor.
int status_for_errno(int error) noexcept;

file_version version_of(const struct stat& info) noexcept;

}  // namespace instatunnel::files
