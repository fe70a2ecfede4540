#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "instatunnel/base/error.hpp"

namespace instatunnel::config {

/// config.json as a whole. A type of its own because json converts from and to everything.
struct document {
    nlohmann::json root = nlohmann::json::object();
};

/// An absent file reads as an empty object.
/// Errors: file_permission, config_invalid (file, line, reason), file_io.
outcome<document> load_document(const std::filesystem::path& file);

/// Takes the lock, reads the file again, lets `change` edit it, and replaces it atomically (0600).
/// `change` returning a failure leaves the file as it is. Errors: those of load_document, config_locked, file_io.
outcome<void> update_document(const std::filesystem::path& file,
                              const std::function<outcome<void>(nlohmann::json&)>& change);

/// A config_invalid failure that names file and member.
failure invalid_member(const std::filesystem::path& file, const std::string& member, const std::string& expected);

}  // namespace instatunnel::config
