#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "audit_log.hpp"
#include "data_folder.hpp"
#include "tuning.hpp"

namespace instatunnel::service {

/// What a command of the edge's owner works with, also while the edge runs. Changes go with a record of the audit log:
///
///     return session->audit().together([&] { return session->data().rename(…); },
///                                      [&] { return session->event("name.blocked").about(name); });
class admin_session {
public:
    /// Makes what is missing in the folder. Errors: store_failed, file_permission, file_io.
    static outcome<std::unique_ptr<admin_session>> open(const std::filesystem::path& folder);
    /// The same, for a folder that an edge has used. Errors: those, and file_missing.
    static outcome<std::unique_ptr<admin_session>> open_existing(const std::filesystem::path& folder);
    ~admin_session();
    admin_session(const admin_session&) = delete;
    admin_session& operator=(const admin_session&) = delete;

    store::store& data() noexcept { return *folder_.data; }
    const secret& pepper() const noexcept { return folder_.pepper; }
    const tuning& settings() const noexcept { return tuning_; }
    audit_log& audit() noexcept { return audit_; }
    /// By the person who runs the command.
    audit_event event(std::string_view action) const;

private:
    admin_session(const std::filesystem::path& path, data_folder folder);

    const tuning tuning_;
    data_folder folder_;
    audit_log audit_;
};

}  // namespace instatunnel::service
