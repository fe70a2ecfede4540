#pragma once

#include <span>
#include <string_view>

#include "database.hpp"
#include "instatunnel/base/error.hpp"

namespace instatunnel::store {

/// One step of the tables' history. Once released a step is never edited: its checksum is stored with the data and
/// compared at every start. A change is a new step at the end.
struct migration {
    int version;  ///< 1, 2, 3, … without gaps
    std::string_view name;
    const char* sql;
};

std::span<const migration> sqlite_migrations() noexcept;

/// Verifies the steps that were applied before, applies the others, all in one transaction.
/// Errors: store_failed if the data knows a step that `steps` does not (a newer program wrote it) or one with another
/// checksum.
outcome<void> migrate(database& db, std::span<const migration> steps, wall_time now);

}  // namespace instatunnel::store
