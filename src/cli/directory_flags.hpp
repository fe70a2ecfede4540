#pragma once

#include "instatunnel/files/site.hpp"

namespace instatunnel::cli {

/// Flags of a TARGET that is a directory.
struct directory_flags {
    bool spa = false;
    bool no_listing = false;
    bool dot_files = false;

    bool any() const noexcept { return spa || no_listing || dot_files; }
    files::site_rules rules() const noexcept { return {spa, !no_listing, dot_files}; }
};

}  // namespace instatunnel::cli
