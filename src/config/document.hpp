#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::config {

/// config.json as a whole. A type of its own because json converts from and to everything.
struct document {
    nlohmann::json root = nlohmann::json::object();
};

/// An absent file reads as an empty object.
/// Errors: file_permission, config_invalid (file, line, reason), file_io.
outcome<document> load_document(const std::filesystem::path& file);

/// The right to change config.json: holds the lock that keeps other writers out while it lives.
class document_editor {
public:
    /// Takes the lock, removes what a writer that was killed left behind, and reads the file. Errors: those of
    /// load_document, config_locked.
    static outcome<document_editor> open(const std::filesystem::path& file);

    nlohmann::json& root() noexcept { return document_.root; }
    /// Replaces the file by `root()` atomically (0600). May be called again after further changes.
    outcome<void> write() const;

private:
    document_editor(std::filesystem::path file, unique_fd lock, document loaded)
        : file_(std::move(file)), lock_(std::move(lock)), document_(std::move(loaded)) {}

    std::filesystem::path file_;
    unique_fd lock_;
    document document_;
};

/// A config_invalid failure that names file and member.
failure invalid_member(const std::filesystem::path& file, const std::string& member, const std::string& expected);

}  // namespace instatunnel::config
