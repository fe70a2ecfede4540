#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel {

/// Replaces `path` as one step: temporary file in the same folder, fsync, rename, fsync of the folder. After a crash
/// the file is the old or the new one, never a part. `mode` is set before the first byte is written.
/// Errors: file_io, with the path and the system's reason.
outcome<void> write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode);

/// Reads a whole file of at most `limit` bytes. Errors: file_missing, too_large, file_io.
outcome<std::string> read_file(const std::filesystem::path& path, std::uint64_t limit);

/// Reads a file that holds secrets: refuses a symbolic link, a foreign owner, and any access for group or others.
/// Errors: those of read_file, and file_permission with the chmod that mends it.
outcome<std::string> read_private_file(const std::filesystem::path& path, std::uint64_t limit);

/// The path as a word of a shell's command line: quoted where it has to be.
std::string shell_word(const std::filesystem::path& path);

/// Makes the folder and its parents; the last one gets mode 0700. An existing folder of ours that is wider is narrowed.
/// Errors: file_io, file_permission (foreign owner).
outcome<void> make_private_directory(const std::filesystem::path& path);

}  // namespace instatunnel
