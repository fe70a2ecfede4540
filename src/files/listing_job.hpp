#pragma once

#include <dirent.h>

#include <cstdint>
#include <memory>

#include "lookup.hpp"
#include "pages.hpp"

namespace instatunnel::files {

/// Collects a directory's entries a slice at a time: asking the disk about thousands of files in one go would hold up
/// everything else on the loop.
class listing_job {
public:
    static constexpr std::size_t max_entries = 10'000;
    static constexpr std::size_t entries_a_step = 64;

    /// `from` is a directory that look_up found.
    listing_job(found from, const site_rules& rules);

    /// Looks at the next entries. False when that was all, or as many as are listed.
    bool step();
    /// Memory of what was collected, in bytes.
    std::size_t held() const noexcept { return held_; }
    /// The entries, sorted.
    listed_directory finish();

private:
    struct directory_closer {
        void operator()(DIR* dir) const noexcept { ::closedir(dir); }
    };
    void add(const dirent& entry);

    found from_;
    site_rules rules_;
    std::unique_ptr<DIR, directory_closer> dir_;
    listed_directory listed_;
    std::size_t held_ = 0;
};

}  // namespace instatunnel::files
