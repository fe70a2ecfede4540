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

    /// Runs `body` (which returns an outcome) between BEGIN IMMEDIATE and COMMIT; a failure or an exception rolls
    /// everything back. One inside another belongs to the outer one, which fails as a whole if the inner one failed.
    template <class Body>
    auto in_transaction(Body body) -> decltype(body()) {
        const bool outermost = depth_ == 0;
        if (outermost) {
            if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun.error();
            broken_ = false;
        }
        const level inside(*this);
        auto answer = body();
        if (!answer) broken_ = true;
        if (!outermost || !answer) return answer;
        if (broken_) return failure(errc::internal, "A step of a transaction failed and was passed over");
        if (auto committed = execute("COMMIT"); !committed) return committed.error();
        return answer;
    }

    /// Translates a result code of SQLite; logs the original.
    failure failure_for(int code) const;
    const std::filesystem::path& file() const noexcept { return file_; }

private:
    friend class query;
    // Counts a level of in_transaction; the end of the outermost one rolls back what was not committed.
    class level {
    public:
        explicit level(database& db) : db_(db) { ++db_.depth_; }
        ~level() {
            if (--db_.depth_ == 0) db_.roll_back();
        }
        level(const level&) = delete;
        level& operator=(const level&) = delete;

    private:
        database& db_;
    };
    database(sqlite3* handle, std::filesystem::path file) : handle_(handle), file_(std::move(file)) {}
    outcome<void> configure();
    outcome<void> use_wal();
    sqlite3_stmt* prepare(const char* sql, int& code);
    void roll_back() noexcept;

    sqlite3* handle_;
    std::filesystem::path file_;
    int depth_ = 0;                                              // of transactions that are open inside each other
    bool broken_ = false;                                        // a step failed: nothing of the whole may stay
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
    query& bind_or_null(const std::optional<std::string>& text);
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
