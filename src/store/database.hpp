#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/error.hpp"

namespace instatunnel::store {

/// One SQLite connection with its prepared statements. SQLite's own words go to the log, never into a failure.
class database {
public:
    /// Errors: store_failed.
    static outcome<std::unique_ptr<database>> open(const std::filesystem::path& file);
    ~database();
    database(const database&) = delete;
    database& operator=(const database&) = delete;

    /// Runs statements that give no rows and take no values.
    outcome<void> execute(const char* sql);

    /// Runs `body` (which returns an outcome) between BEGIN IMMEDIATE and COMMIT; a failure rolls everything back.
    template <class Body>
    auto in_transaction(Body body) -> decltype(body()) {
        if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun.error();
        auto answer = body();
        if (!answer) {
            roll_back();
            return answer;
        }
        if (auto committed = execute("COMMIT"); !committed) {
            roll_back();
            return committed.error();
        }
        return answer;
    }

    /// Translates a result code of SQLite; logs the original.
    failure failure_for(int code) const;
    const std::filesystem::path& file() const noexcept { return file_; }

private:
    friend class query;
    database(sqlite3* handle, std::filesystem::path file) : handle_(handle), file_(std::move(file)) {}
    outcome<void> configure();
    outcome<void> use_wal();
    sqlite3_stmt* prepare(const char* sql, int& code);
    void roll_back() noexcept;

    sqlite3* handle_;
    std::filesystem::path file_;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;  // by address: every text is a literal
};

/// One run of a prepared statement: bind in order, then next() for rows or run() for none. The first error sticks and
/// turns everything after it into a no-op. `sql` is a string literal; the same literal must not be run inside itself.
class query {
public:
    query(database& db, const char* sql);
    ~query();
    query(const query&) = delete;
    query& operator=(const query&) = delete;

    query& bind(std::string_view text);
    query& bind(std::int64_t number);
    query& bind(std::uint64_t number) { return bind(static_cast<std::int64_t>(number)); }
    query& bind(wall_time time) { return bind(static_cast<std::int64_t>(time.time_since_epoch().count())); }
    query& bind(const std::optional<wall_time>& time);
    query& bind_bytes(std::string_view bytes);

    /// Steps to the next row; false at the end or on an error.
    bool next();
    /// Runs to the end. Errors: already_exists for a broken UNIQUE or PRIMARY KEY, else store_failed.
    outcome<void> run();
    /// Rows that run() changed.
    std::int64_t changes() const noexcept;

    bool failed() const noexcept { return code_ != SQLITE_OK && code_ != SQLITE_ROW && code_ != SQLITE_DONE; }
    failure error() const;

    std::string text(int column) const;
    std::int64_t number(int column) const;
    std::uint64_t count(int column) const { return static_cast<std::uint64_t>(number(column)); }
    wall_time time(int column) const { return wall_time(std::chrono::microseconds(number(column))); }
    std::optional<wall_time> maybe_time(int column) const;

private:
    database& db_;
    sqlite3_stmt* statement_ = nullptr;
    int code_ = SQLITE_OK;
    int bound_ = 0;
};

}  // namespace instatunnel::store
