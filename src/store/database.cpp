#include "database.hpp"

#include <chrono>
#include <thread>

#include "instatunnel/base/log.hpp"

namespace instatunnel::store {
namespace {

constexpr int busy_timeout_ms = 5000;

struct diagnosis {
    std::string_view what;
    std::string_view next;
};

diagnosis diagnose(int code) {
    switch (code & 0xff) {
        case SQLITE_FULL:
            return {"the disk is full", "Free some space, then try again"};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return {"it cannot be written to", "Check the owner and permissions of the folder"};
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return {"the file is damaged or not a database",
                    "Restore it from a backup, or move it away to start afresh"};
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return {"another process keeps it locked", "Wait for the other process, then try again"};
        case SQLITE_CANTOPEN:
            return {"the file cannot be opened", "Check the path and the permissions of the folder"};
        case SQLITE_IOERR:
            return {"reading or writing the disk failed", "Check the disk and its free space"};
        default:
            return {"an operation on it failed", "Check the log, the folder and the free space of the disk"};
    }
}

}  // namespace

outcome<std::unique_ptr<database>> database::open(const std::filesystem::path& file) {
    sqlite3* handle = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
    const int code = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
    std::unique_ptr<database> db(new database(handle, file));
    if (code != SQLITE_OK) return db->failure_for(code);
    if (auto ready = db->configure(); !ready) return ready.error();
    return db;
}

database::~database() {
    for (auto& [sql, statement] : statements_)
        sqlite3_finalize(statement);
    sqlite3_close(handle_);
}

outcome<void> database::configure() {
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    // Stored text must not be able to run code, whatever ends up in the file.
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (auto wal = use_wal(); !wal) return wal;
    // NORMAL would lose the last commits in a power cut; an answered request must not be undone by one.
    return execute(
        "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA journal_size_limit=16777216");
}

outcome<void> database::use_wal() {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::milliseconds(busy_timeout_ms);
    for (;;) {
        const int code = sqlite3_exec(handle_, "PRAGMA journal_mode=WAL", nullptr, nullptr, nullptr);
        if (code == SQLITE_OK) return {};
        // Two processes that make the same new file: SQLite does not call the busy handler for this switch.
        if ((code & 0xff) != SQLITE_BUSY || std::chrono::steady_clock::now() > limit) return failure_for(code);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

outcome<void> database::execute(const char* sql) {
    const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure_for(code);
    return {};
}

void database::roll_back() noexcept {
    // A full disk can have rolled back already; then there is nothing to end.
    if (sqlite3_get_autocommit(handle_) == 0) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

sqlite3_stmt* database::prepare(const char* sql, int& code) {
    if (const auto known = statements_.find(sql); known != statements_.end()) return known->second;
    sqlite3_stmt* statement = nullptr;
    code = sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code == SQLITE_OK) statements_.emplace(sql, statement);
    return statement;
}

failure database::failure_for(int code) const {
    log::warn("store.failed")
        .with("file", file_.string())
        .with("code", code)
        .with("cause", handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(code));
    const auto found = diagnose(code);
    return {errc::store_failed, "Cannot use the data store " + file_.string() + ": " + std::string(found.what),
            std::string(found.next)};
}

query::query(database& db, const char* sql) : db_(db) {
    statement_ = db.prepare(sql, code_);
}

query::~query() {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

query& query::bind(std::string_view text) {
    const char* data = text.data() != nullptr ? text.data() : "";
    if (!failed()) code_ = sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}

query& query::bind(std::int64_t number) {
    if (!failed()) code_ = sqlite3_bind_int64(statement_, ++bound_, number);
    return *this;
}

query& query::bind(const std::optional<wall_time>& time) {
    if (time) return bind(*time);
    if (!failed()) code_ = sqlite3_bind_null(statement_, ++bound_);
    return *this;
}

query& query::bind_or_null(const std::optional<std::string>& text) {
    if (text) return bind(std::string_view(*text));
    return bind(std::optional<wall_time>());
}

query& query::bind_bytes(std::string_view bytes) {
    if (!failed()) code_ = sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
    return *this;
}

bool query::next() {
    if (failed()) return false;
    code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
}

outcome<void> query::run() {
    while (next()) {
    }
    if (failed()) return error();
    return {};
}

std::int64_t query::changes() const noexcept {
    return sqlite3_changes64(db_.handle_);
}

failure query::error() const {
    if (code_ == SQLITE_CONSTRAINT_UNIQUE || code_ == SQLITE_CONSTRAINT_PRIMARYKEY) return errc::already_exists;
    return db_.failure_for(code_);
}

std::string query::text(int column) const {
    const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return data != nullptr ? std::string(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                           : std::string();
}

std::int64_t query::number(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::optional<wall_time> query::maybe_time(int column) const {
    if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
    return time(column);
}

}  // namespace instatunnel::store
