#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "instatunnel/base/error.hpp"

namespace instatunnel::service {

/// The end of the audit log, as far as it was noted.
struct audit_head {
    std::uint64_t seq = 0;
    std::string hash;
    friend bool operator==(const audit_head&, const audit_head&) = default;
};

/// FOLDER/audit.head: where the log ends, kept outside of the database, so that records cut off its end are missed.
/// Several processes write it.
class audit_head_file {
public:
    explicit audit_head_file(const std::filesystem::path& folder) : path_(folder / "audit.head") {}

    /// nullopt: nothing was noted yet. Errors: file_permission, file_io, store_failed (not what we wrote).
    outcome<std::optional<audit_head>> read() const;

    /// Notes a later end. `known` says whether the log still holds what was noted before: where it does not, the file
    /// stays as the evidence. Not synced: after a power cut it may be behind, which is harmless; it is never ahead.
    /// Errors: busy (another process writes), store_failed (the log does not hold it), those of read().
    outcome<void> advance(const audit_head& next, const std::function<outcome<bool>(const audit_head&)>& known) const;

private:
    std::filesystem::path path_;
};

}  // namespace instatunnel::service
