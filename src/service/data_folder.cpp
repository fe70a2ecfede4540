#include "data_folder.hpp"

#include "instatunnel/auth/key.hpp"
#include "instatunnel/store/sqlite.hpp"

namespace instatunnel::service {
namespace {

// A pepper that is lost or replaced would turn every key of the data invalid without a word.
outcome<secret> settle_pepper(const std::filesystem::path& folder, store::store& data) {
    constexpr const char* setting = "pepper_fingerprint";
    const auto file = (folder / "pepper.key").string();
    auto known = data.find_setting(setting);
    if (!known) return known.error();
    std::error_code ec;
    if (*known && !std::filesystem::exists(file, ec))
        return failure(errc::store_failed, file + " is missing: without it no key of this data works",
                       "Restore it from a backup, or move the whole folder away to start afresh");
    auto pepper = auth::load_or_make_pepper(folder);
    if (!pepper) return pepper;
    auto settled = data.settle_setting(setting, auth::pepper_fingerprint(*pepper));
    if (!settled) return settled.error();
    if (*settled != auth::pepper_fingerprint(*pepper))
        return failure(errc::store_failed, file + " does not belong to this data: no key would work",
                       "Restore it from a backup, or move the whole folder away to start afresh");
    return pepper;
}

}  // namespace

outcome<data_folder> open_data_folder(const std::filesystem::path& folder) {
    auto data = store::open_sqlite(folder);
    if (!data) return data.error();
    auto pepper = settle_pepper(folder, **data);
    if (!pepper) return pepper.error();
    return data_folder{std::move(*data), std::move(*pepper)};
}

outcome<data_folder> open_existing_data_folder(const std::filesystem::path& folder) {
    std::error_code ec;
    if (!std::filesystem::exists(folder / store::sqlite_file_name, ec))
        return failure(errc::file_missing, "There is no data of an edge in " + folder.string(),
                       "Name its folder: --data DIR, or start it once: instatunnel serve");
    return open_data_folder(folder);
}

}  // namespace instatunnel::service
