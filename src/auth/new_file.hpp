#pragma once

#include <filesystem>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::auth {

/// Writes a file of secrets (0600) that nobody has made yet, whole or not at all. One that is there stays: no error,
/// whoever came first wins. Errors: file_io.
outcome<void> make_new_file(const std::filesystem::path& file, std::string_view content);

}  // namespace instatunnel::auth
