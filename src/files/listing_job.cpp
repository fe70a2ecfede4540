#include "listing_job.hpp"

#include <fcntl.h>

#include "beneath.hpp"

namespace instatunnel::files {

listing_job::listing_job(found from, const site_rules& rules) : from_(std::move(from)), rules_(rules) {
    dir_.reset(::fdopendir(from_.fd.get()));
    if (dir_ != nullptr) static_cast<void>(from_.fd.release());  // the DIR closes it
    listed_.path = from_.name;
}

bool listing_job::step() {
    for (std::size_t i = 0; dir_ != nullptr && i < entries_a_step; ++i) {
        const auto* entry = ::readdir(dir_.get());
        if (entry == nullptr) return false;
        if (listed_.entries.size() >= max_entries) {
            listed_.is_cut = true;
            return false;
        }
        add(*entry);
    }
    return dir_ != nullptr;
}

void listing_job::add(const dirent& entry) {
    const std::string_view name(entry.d_name);
    const bool is_well_known = listed_.path.empty() && name == ".well-known";
    if (name == "." || name == ".." || (name.starts_with('.') && !rules_.dot_files && !is_well_known)) return;
    struct stat info {};
    if (::fstatat(::dirfd(dir_.get()), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) return;
    if (S_ISLNK(info.st_mode)) {
        // Only what a visitor could get is listed, and nothing is told about what a link names outside.
        const auto target = look_beneath(
            from_.place.get(), listed_.path.empty() ? std::string(name) : listed_.path + "/" + std::string(name));
        if (!target || ::fstat(target.get(), &info) != 0) return;
    }
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return;
    const auto version = version_of(info);
    listed_.entries.push_back({std::string(name), static_cast<bool>(S_ISDIR(info.st_mode)), version.size,
                               std::chrono::floor<std::chrono::seconds>(version.modified)});
    held_ += sizeof(listed_entry) + name.size();
}

listed_directory listing_job::finish() {
    sort_entries(listed_.entries);
    return std::move(listed_);
}

}  // namespace instatunnel::files
