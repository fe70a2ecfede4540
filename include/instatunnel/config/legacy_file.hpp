#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::config {

/// What earlier clients kept in ~/.instatunnel.yaml. Values are as written there: nothing is validated.
struct legacy_settings {
    secret api_key;
    std::string email;
    std::string server_url;
};

/// Reads flat `key: value` lines; quotes, comments and members of no interest are accepted and dropped. Never fails:
/// what cannot be understood is left out.
legacy_settings parse_legacy(std::string_view text);

/// nullopt: there is no such file. Errors: file_io, too_large (64 KiB).
outcome<std::optional<legacy_settings>> load_legacy(const std::filesystem::path& path);

}  // namespace instatunnel::config
