#include "instatunnel/store/sqlite.hpp"

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "catch_outcome.hpp"
#include "contract.hpp"
#include "store/database.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::store;
using namespace instatunnel::store::testing;
namespace fs = std::filesystem;

namespace {

class sqlite_source final : public store_source {
public:
    std::unique_ptr<instatunnel::store::store> open() override {
        auto opened = open_sqlite(folder_.path());
        if (!opened) FAIL(opened.error().what());
        return std::move(*opened);
    }

private:
    test::temporary_folder folder_;
};

// No file of this process can grow beyond `bytes` while the object lives: a full disk for whoever writes.
class file_size_limit {
public:
    explicit file_size_limit(rlim_t bytes) {
        ::getrlimit(RLIMIT_FSIZE, &old_);
        old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, old_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~file_size_limit() {
        ::setrlimit(RLIMIT_FSIZE, &old_);
        std::signal(SIGXFSZ, old_handler_);
    }
    file_size_limit(const file_size_limit&) = delete;
    file_size_limit& operator=(const file_size_limit&) = delete;

private:
    rlimit old_{};
    void (*old_handler_)(int) = nullptr;
};

void write_bytes(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("SQLite keeps the contract of transactions") {
    for (const auto& c : transaction_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of the authorization server") {
    for (const auto& c : oauth_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of sessions and second factors") {
    for (const auto& c : session_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of accounts and keys") {
    for (const auto& c : account_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of an account's life") {
    for (const auto& c : account_life_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of invitations") {
    for (const auto& c : invitation_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of names and tunnels") {
    for (const auto& c : tunnel_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of the audit log") {
    for (const auto& c : audit_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("records of the audit log cannot be changed, nor removed beyond the anchor") {
    test::temporary_folder folder;
    const auto s = open_sqlite(folder.path()).value();
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
        audit_record r;
        r.seq = seq;
        r.actor_kind = "system";
        r.action = "service.started";
        r.result = "ok";
        r.hash = std::string(32, 'h');
        REQUIRE(s->add_audit(r));
    }
    REQUIRE(s->cut_audit({1, "", ""}));
    const auto db = database::open(folder.path() / sqlite_file_name).value();
    CHECK_FALSE(db->execute("UPDATE audit SET action = 'x' WHERE seq = 2"));
    CHECK_FALSE(db->execute("DELETE FROM audit WHERE seq = 2"));
    CHECK_FALSE(db->execute("DELETE FROM audit"));
    CHECK(s->list_audit({}).value().size() == 2);
}

TEST_CASE("SQLite keeps the contract of leased and blocked names") {
    for (const auto& c : name_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of plans") {
    for (const auto& c : plan_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("SQLite keeps the contract of ports") {
    for (const auto& c : port_cases()) {
        DYNAMIC_SECTION(c.name) {
            sqlite_source source;
            c.run(source);
        }
    }
}

TEST_CASE("folder and files are private, also when the umask is wide and they were not") {
    test::temporary_folder parent;
    const auto folder = parent.path() / "edge";
    fs::create_directory(folder);
    fs::permissions(folder, fs::perms(0755));
    write_bytes(folder / sqlite_file_name, "");
    fs::permissions(folder / sqlite_file_name, fs::perms(0644));
    const auto old = ::umask(0);
    const auto s = open_sqlite(folder);
    ::umask(old);
    REQUIRE(s);
    add(**s, "ann");
    CHECK(test::mode_of(folder) == 0700);
    for (const auto& entry : fs::directory_iterator(folder)) {
        INFO(entry.path());
        CHECK(test::mode_of(entry.path()) == 0600);
    }
}

TEST_CASE("a write that returned is synced: WAL with synchronous FULL, and foreign keys are enforced") {
    test::temporary_folder folder;
    const auto db = database::open(folder.path() / "x.db").value();
    const auto pragma = [&](const char* sql) {
        query q(*db, sql);
        REQUIRE(q.next());
        return q.text(0);
    };
    CHECK(pragma("PRAGMA journal_mode") == "wal");
    CHECK(pragma("PRAGMA synchronous") == "2");
    CHECK(pragma("PRAGMA foreign_keys") == "1");
    CHECK(pragma("PRAGMA busy_timeout") == "5000");
}

TEST_CASE("a damaged file is refused with what to do, in our words") {
    test::temporary_folder folder;
    const auto file = folder.path() / sqlite_file_name;
    SECTION("not a database") {
        folder.write(sqlite_file_name, std::string(8192, 'x'));
    }
    SECTION("a broken page") {
        { add(**open_sqlite(folder.path()), "ann"); }
        std::fstream bytes(file, std::ios::binary | std::ios::in | std::ios::out);
        bytes.seekp(100);
        bytes << std::string(4000, '\xee');
    }
    const auto opened = open_sqlite(folder.path());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::store_failed);
    CHECK(opened.error().what() ==
          "Cannot use the data store " + file.string() + ": the file is damaged or not a database");
    CHECK(std::string(opened.error().what_next()).find("backup") != std::string::npos);
}

TEST_CASE("something else in the place of the file is refused") {
    test::temporary_folder folder;
    const auto file = folder.path() / sqlite_file_name;
    SECTION("a folder") {
        fs::create_directory(file);
    }
    SECTION("a symbolic link") {
        folder.write("elsewhere", "");
        fs::create_symlink(folder.path() / "elsewhere", file);
    }
    const auto opened = open_sqlite(folder.path());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::store_failed);
}

TEST_CASE("a full disk fails the write, keeps what was there, and heals") {
    test::temporary_folder folder;
    auto s = open_sqlite(folder.path()).value();
    const auto ann = add(*s, "ann");
    {
        const file_size_limit full(fs::file_size(folder.path() / (std::string(sqlite_file_name) + "-wal")));
        auto big = make_user("big");
        big.name = std::string(100000, 'x');
        const auto failed = s->add_user(big, std::nullopt);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == errc::store_failed);
        CHECK(s->find_user(ann.id).value());
        CHECK_FALSE(s->find_user(big.id).value());
    }
    add(*s, "bob");
    s = open_sqlite(folder.path()).value();
    CHECK(s->list_users().value().size() == 2);
}

TEST_CASE("a lock of another process is waited for") {
    test::temporary_folder folder;
    const auto s = open_sqlite(folder.path()).value();
    const auto other = database::open(folder.path() / sqlite_file_name).value();
    REQUIRE(other->execute("BEGIN IMMEDIATE"));
    outcome<void> added = failure(errc::internal);
    std::thread writer([&] { added = s->add_user(make_user("ann"), std::nullopt); });
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    REQUIRE(other->execute("COMMIT"));
    writer.join();
    CHECK(added);
}

TEST_CASE("data copied in the middle of work opens with every acknowledged write") {
    test::temporary_folder folder;
    test::temporary_folder copy;
    const auto s = open_sqlite(folder.path()).value();
    add(*s, "ann");
    add(*s, "bob");
    // What a killed process leaves: the database and its log, not closed.
    for (const char* suffix : {"", "-wal"})
        fs::copy_file(folder.path() / (sqlite_file_name + std::string(suffix)),
                      copy.path() / (sqlite_file_name + std::string(suffix)));
    CHECK(open_sqlite(copy.path()).value()->list_users().value().size() == 2);
}
