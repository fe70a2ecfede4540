#pragma once

#include <sys/stat.h>

#include <string>

#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::files {

/// Whether the kernel can open files so that a path never leaves a directory (openat2, Linux 5.6). A container's
/// filter of system calls may forbid it too.
bool can_open_beneath() noexcept;

/// The directory itself, as the place that open_beneath starts at. Empty with errno set when there is none.
unique_fd open_place(const std::string& path) noexcept;

/// Opens `name` below `place` for nothing but looking at it: no device or pipe notices. Symbolic links are followed as
/// long as they stay below `place` at every step; a path that leaves it fails with EXDEV, also when directories are
/// moved at the same moment. An empty name is `place` itself. Empty with errno set when it fails.
unique_fd look_beneath(int place, const std::string& name) noexcept;

/// The same to read a regular file, or a directory's entries. Never waits, whatever stands there.
unique_fd open_file_beneath(int place, const std::string& name) noexcept;
unique_fd open_directory_beneath(int place, const std::string& name) noexcept;

}  // namespace instatunnel::files
