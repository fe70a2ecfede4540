#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/accept.hpp"

namespace instatunnel::files {

struct listed_entry {
    std::string name;  ///< any bytes but '/' and NUL
    bool is_directory = false;
    std::uint64_t size = 0;
    std::chrono::sys_seconds modified{};
};

struct listed_directory {
    std::string path;  ///< below the shared directory, without slashes at the ends; empty: the directory itself
    std::vector<listed_entry> entries;
    bool is_cut = false;  ///< there are more than are listed
};

struct page {
    std::string_view content_type;  ///< static
    std::string body;
};

/// Directories first, then by name without regard to case.
void sort_entries(std::vector<listed_entry>& entries);

/// A directory's entries as they are in `dir`: JSON, else an HTML table that needs no script.
/// Whatever a name holds, it stays a name: escaped in HTML, percent-encoded in links.
page render_listing(const listed_directory& dir, wire::page_form form);

/// Why there is no file: `message` is one sentence of ours.
page render_problem(int status, std::string_view message, wire::page_form form);

/// Content-Security-Policy of the pages above: nothing but their own style.
const std::string& page_policy();

}  // namespace instatunnel::files
