#pragma once

#include <filesystem>
#include <string>

#include "context.hpp"

namespace instatunnel::cli {

/// `named`, else the folder that `serve` uses by default.
inline std::filesystem::path data_folder(const std::string& named, const context& c) {
    return named.empty() ? c.env.home / "edge" : std::filesystem::path(named);
}

}  // namespace instatunnel::cli
