#include "sqlite_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <utility>

#include "instatunnel/base/file.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "migrations.hpp"

namespace instatunnel::store {
namespace {

// SQLite would make the file with the umask's mode; its -wal and -shm files take the mode of this one.
outcome<void> make_private_file(const std::filesystem::path& file) {
    const unique_fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd)
        return failure(errc::store_failed, "Cannot open the data store " + file.string(),
                       "Check the path and the permissions of the folder");
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
        return failure(errc::store_failed, file.string() + " is not a file", "Move it away");
    if (info.st_uid != ::geteuid())
        return failure(errc::file_permission, file.string() + " belongs to another user",
                       "Run as that user, or use another folder: --data DIR");
    if ((info.st_mode & 077) != 0 && ::fchmod(fd.get(), 0600) != 0)
        return failure(errc::file_permission, file.string() + " can be read by others",
                       "Make it private: chmod 600 " + file.string());
    return {};
}

}  // namespace

outcome<std::unique_ptr<store>> open_sqlite(const std::filesystem::path& folder) {
    if (auto made = make_private_directory(folder); !made) return made.error();
    const auto file = folder / sqlite_file_name;
    if (auto made = make_private_file(file); !made) return made.error();
    auto db = database::open(file);
    if (!db) return db.error();
    if (auto current = migrate(**db, sqlite_migrations(), wall_now()); !current) return current.error();
    auto opened = std::make_unique<sqlite_store>(std::move(*db));
    // From here on the changes of others count.
    if (auto seen = opened->changed_elsewhere(); !seen) return seen.error();
    return std::unique_ptr<store>(std::move(opened));
}

outcome<bool> sqlite_store::changed_elsewhere() {
    query version(*db_, "PRAGMA data_version");
    if (!version.next()) return version.error();
    return std::exchange(seen_version_, version.number(0)) != version.number(0);
}

outcome<void> sqlite_store::atomically(const std::function<outcome<void>()>& body) {
    return db_->in_transaction([&] { return body(); });
}

outcome<std::string> sqlite_store::settle_setting(std::string_view name, std::string_view value) {
    return db_->in_transaction([&]() -> outcome<std::string> {
        query put(*db_, "INSERT INTO settings(name, value) VALUES (?, ?) ON CONFLICT(name) DO NOTHING");
        if (auto done = put.bind(name).bind(value).run(); !done) return done.error();
        auto stored = find_setting(name);
        if (!stored) return stored.error();
        return stored->value_or(std::string(value));
    });
}

outcome<void> sqlite_store::put_setting(std::string_view name, std::string_view value) {
    query put(*db_,
              "INSERT INTO settings(name, value) VALUES (?, ?) ON CONFLICT(name) DO UPDATE SET value = excluded.value");
    return put.bind(name).bind(value).run();
}

outcome<std::optional<std::string>> sqlite_store::find_setting(std::string_view name) {
    query find(*db_, "SELECT value FROM settings WHERE name = ?");
    std::optional<std::string> value;
    if (find.bind(name).next()) value = find.text(0);
    if (find.failed()) return find.error();
    return value;
}

outcome<void> sqlite_store::purge(const purge_before& limits) {
    return db_->in_transaction([&]() -> outcome<void> {
        query tunnels(*db_,
                      "DELETE FROM tunnels WHERE removed_at < ?1 OR name IN "
                      "(SELECT name FROM names WHERE kind = 'random' AND last_used_at < ?2)");
        if (auto done = tunnels.bind(limits.tunnels_removed).bind(limits.random_names_unused).run(); !done) return done;
        query names(*db_, "DELETE FROM names WHERE kind = 'random' AND last_used_at < ?");
        if (auto done = names.bind(limits.random_names_unused).run(); !done) return done;
        query keys(*db_, "DELETE FROM api_keys WHERE revoked_at < ?1 OR expires_at < ?1");
        if (auto done = keys.bind(limits.keys_dead).run(); !done) return done;
        query tokens(*db_, "DELETE FROM one_time_tokens WHERE expires_at < ?");
        if (auto done = tokens.bind(limits.tokens_expired).run(); !done) return done;
        // Those of an account stay: its uses count against what it may bring in.
        query invitations(*db_, "DELETE FROM invitations WHERE expires_at < ? AND inviter_account_id IS NULL");
        return invitations.bind(limits.invitations_expired).run();
    });
}

}  // namespace instatunnel::store
