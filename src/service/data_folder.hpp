#pragma once

#include <filesystem>
#include <memory>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/store/store.hpp"

namespace instatunnel::service {

/// What lies in the data folder of an edge, opened.
struct data_folder {
    std::unique_ptr<store::store> data;
    secret pepper;  ///< belongs to the data: that was checked
};

/// Makes what is missing. Errors: store_failed, file_permission, file_io.
outcome<data_folder> open_data_folder(const std::filesystem::path& folder);
/// Of a folder that an edge has used. Errors: those, and file_missing.
outcome<data_folder> open_existing_data_folder(const std::filesystem::path& folder);

}  // namespace instatunnel::service
