#pragma once

#include <filesystem>
#include <memory>

#include "instatunnel/base/error.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::store {

/// Name of the database inside the data folder.
inline constexpr const char* sqlite_file_name = "instatunnel.db";

/// Opens FOLDER/instatunnel.db, makes it (0600, folder 0700) if it is missing, and brings its tables up to date.
/// WAL with synchronous=FULL: a write that returned survives a crash and a power cut. A lock held by another process is
/// waited for, at most 5 s.
/// Errors: store_failed (with the path and what to do; also for data of a newer program or with tables that this
/// program's migrations did not make), file_permission (another user's folder or file), file_io.
outcome<std::unique_ptr<store>> open_sqlite(const std::filesystem::path& folder);

}  // namespace instatunnel::store
