#pragma once

#include <filesystem>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::app {

/// Makes this process the only edge of a data folder: two would give the same name to two clients, and each would
/// think the other's sessions gone. Held until the descriptor is closed, also by a kill. `admin` commands need no lock.
/// Errors: data_in_use with the other edge's process id, file_io.
outcome<unique_fd> lock_data(const std::filesystem::path& folder);

}  // namespace instatunnel::app
