#include "service/audit_log.hpp"

#include <sqlite3.h>

#include <filesystem>

#include "catch_outcome.hpp"
#include "instatunnel/service/audit.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "service/admin_session.hpp"
#include "service/data_folder.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
namespace fs = std::filesystem;

namespace {

// A log on a folder of its own, with a clock that the test moves.
struct log_fixture {
    test::temporary_folder folder;
    wall_time wall{std::chrono::seconds(1'700'000'000)};
    auth::steady_time steady = std::chrono::steady_clock::now();
    tuning settings;
    data_folder opened;
    std::unique_ptr<audit_log> log;

    log_fixture() {
        settings.now = [this] { return wall; };
        settings.steady = [this] { return steady; };
        opened = open_data_folder(folder.path()).value();
        log = std::make_unique<audit_log>(*opened.data, opened.pepper, folder.path(), settings);
    }

    void advance(std::chrono::microseconds by) {
        wall += by;
        steady += by;
    }
    void append(const std::string& action, int times = 1) {
        for (int i = 0; i < times; ++i) {
            advance(std::chrono::seconds(1));
            REQUIRE(log->append(audit_event(action).by(actor_kind::key, "key_1").of("acc_1")));
        }
        REQUIRE(log->flush());
    }
    std::vector<store::audit_record> records() { return opened.data->list_audit({}).value(); }
    audit_verdict verify(const std::string& noted = {}) { return verify_audit(folder.path(), noted).value(); }

    // What somebody does who can write to the database and knows SQL.
    void tamper(const std::string& sql) {
        sqlite3* db = nullptr;
        REQUIRE(sqlite3_open((folder.path() / store::sqlite_file_name).c_str(), &db) == SQLITE_OK);
        sqlite3_exec(db, "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_cut_at_the_anchor_only", nullptr,
                     nullptr, nullptr);
        CHECK(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
        sqlite3_close(db);
    }
};

}  // namespace

TEST_CASE("a log that nobody touched is whole, an empty one too") {
    log_fixture f;
    CHECK(f.verify().whole);
    f.append("key.created", 5);
    const auto verdict = f.verify();
    CHECK(verdict.whole);
    CHECK(verdict.first == 1);
    CHECK(verdict.last == 5);
    CHECK(verdict.records == 5);
    CHECK(verdict.last_hash.size() == 64);
}

TEST_CASE("every member of a record is under its hash") {
    const secret pepper(std::string(64, 'a'));
    const audit_chain chain(pepper);
    store::audit_record r;
    r.seq = 7;
    r.hash = chain.hash("before", r);
    CHECK(chain.fits("before", r));
    CHECK_FALSE(chain.fits("other", r));
    CHECK_FALSE(audit_chain(secret(std::string(64, 'b'))).fits("before", r));
    const auto changed = [&](auto change) {
        auto other = r;
        change(other);
        return !chain.fits("before", other);
    };
    CHECK(changed([](auto& o) { ++o.seq; }));
    CHECK(changed([](auto& o) { o.at += std::chrono::microseconds(1); }));
    for (auto member : {&store::audit_record::actor_kind, &store::audit_record::actor, &store::audit_record::account_id,
                        &store::audit_record::action, &store::audit_record::target, &store::audit_record::address,
                        &store::audit_record::result, &store::audit_record::detail})
        CHECK(changed([&](auto& o) { o.*member = "x"; }));
    // What moves from one member to the next is seen.
    auto split = r, joined = r;
    split.actor = "ab";
    joined.actor = "a";
    joined.account_id = "b";
    CHECK(chain.hash("", split) != chain.hash("", joined));
}

TEST_CASE("whoever changes, removes, inserts or swaps records in the database is found, and where") {
    log_fixture f;
    f.append("key.created", 10);
    std::uint64_t where = 0;
    SECTION("changed") {
        f.tamper("UPDATE audit SET actor = 'key_2' WHERE seq = 4");
        where = 4;
    }
    SECTION("removed in the middle") {
        f.tamper("DELETE FROM audit WHERE seq = 4");
        where = 4;
    }
    SECTION("removed and renumbered") {
        f.tamper("DELETE FROM audit WHERE seq = 4; UPDATE audit SET seq = seq - 1 WHERE seq > 4");
        where = 4;
    }
    SECTION("swapped") {
        f.tamper(
            "UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; "
            "UPDATE audit SET seq = 5 WHERE seq = 99");
        where = 4;
    }
    SECTION("removed at the old end") {
        f.tamper("DELETE FROM audit WHERE seq <= 3");
        where = 1;
    }
    SECTION("removed at the old end with an anchor made up") {
        f.tamper(
            "INSERT INTO audit_anchor SELECT 1, seq, hash, zeroblob(32) FROM audit WHERE seq = 3; "
            "DELETE FROM audit WHERE seq <= 3");
        where = 3;
    }
    SECTION("removed at the new end") {
        f.tamper("DELETE FROM audit WHERE seq > 8");
        where = 9;
    }
    SECTION("all removed") {
        f.tamper("DELETE FROM audit");
        where = 1;
    }
    SECTION("added without the key") {
        f.tamper(
            "INSERT INTO audit SELECT 11, at, actor_kind, actor, account_id, action, target, address, result, "
            "detail, randomblob(32) FROM audit WHERE seq = 10");
        where = 11;
    }
    const auto verdict = f.verify();
    CHECK_FALSE(verdict.whole);
    CHECK(verdict.broken_at == where);
    CHECK_FALSE(verdict.reason.empty());
}

TEST_CASE("records removed at the end are missed also after the log went on") {
    log_fixture f;
    f.append("key.created", 10);
    f.tamper("DELETE FROM audit WHERE seq > 7");
    for (int i = 0; i < 2; ++i)
        REQUIRE(f.log->append(audit_event("key.revoked")));
    CHECK_FALSE(f.log->flush());
    CHECK_FALSE(f.verify().whole);
    for (int i = 0; i < 5; ++i) {
        REQUIRE(f.log->append(audit_event("key.revoked")));
        (void)f.log->flush();
    }
    const auto verdict = f.verify();
    CHECK_FALSE(verdict.whole);
    CHECK(verdict.broken_at == 10);
}

TEST_CASE("a head file that is missing or damaged is told") {
    log_fixture f;
    f.append("key.created", 3);
    SECTION("missing") {
        fs::remove(f.folder.path() / "audit.head");
    }
    SECTION("damaged") {
        f.folder.write("audit.head", "nonsense");
        fs::permissions(f.folder.path() / "audit.head", fs::perms(0600));
    }
    const auto verdict = f.verify();
    CHECK_FALSE(verdict.whole);
    CHECK(verdict.reason.find("audit.head") != std::string::npos);
}

TEST_CASE("an end that was noted elsewhere shows that a whole folder was replaced") {
    log_fixture f;
    f.append("key.created", 3);
    const auto early = f.verify();
    const auto noted = std::to_string(early.last) + ":" + early.last_hash;
    f.append("key.created", 3);
    CHECK(f.verify(noted).whole);
    auto other = noted;
    other.back() = other.back() == '0' ? '1' : '0';
    CHECK(f.verify(other).broken_at == 3);
    CHECK_FALSE(f.verify("9" + noted).whole);
    for (const std::string& bad :
         std::vector<std::string>{"x", "3", "3:", "3:abc", "0:" + early.last_hash, noted + "0"})
        CHECK(verify_audit(f.folder.path(), bad).error().code == errc::usage);
}

TEST_CASE("a change and its record are stored together or not at all") {
    log_fixture f;
    store::user ann;
    ann.id = "user_ann";
    ann.account_id = "acc_ann";
    ann.email = "ann@example.com";
    const auto add = [&] { return f.opened.data->add_user(ann, std::nullopt); };
    REQUIRE(f.log->together(add, [] { return audit_event("account.registered"); }));
    CHECK(f.records().size() == 1);
    const auto again = f.log->together(add, [] { return audit_event("account.registered"); });
    CHECK(again.error().code == errc::already_exists);
    CHECK(f.records().size() == 1);
    // A record that cannot be written takes the change with it.
    ann.id = "user_bob";
    ann.account_id = "acc_bob";
    ann.email = "bob@example.com";
    f.tamper("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'full'); END");
    CHECK_FALSE(f.log->together(add, [] { return audit_event("account.registered"); }));
    CHECK_FALSE(f.opened.data->find_user("user_bob").value());
}

TEST_CASE("what was noted is written by the next flush, with the time it happened") {
    log_fixture f;
    const auto then = f.wall;
    f.log->note(audit_event("login.failed").refused("wrong_password"));
    CHECK(f.records().empty());
    f.advance(std::chrono::seconds(1));
    REQUIRE(f.log->flush());
    REQUIRE(f.records().size() == 1);
    CHECK(f.records()[0].at == then);
    CHECK(f.records()[0].result == "refused");
    CHECK(f.records()[0].detail == R"({"why":"wrong_password"})");
    CHECK(f.verify().whole);
}

TEST_CASE("a flood of notes is bounded and what was left out is counted") {
    log_fixture f;
    for (int i = 0; i < 1500; ++i)
        f.log->note(audit_event("login.failed"));
    REQUIRE(f.log->flush());
    const auto records = f.records();
    REQUIRE(records.size() == 1000);
    f.append("x");
    audit_verdict verdict = f.verify();
    CHECK(verdict.records == 1002);
    CHECK(f.opened.data->find_audit(1001).value()->action == "audit.left_out");
    CHECK(f.opened.data->find_audit(1001).value()->detail == R"({"events":500})");
    CHECK(verdict.whole);
}

TEST_CASE("the same refusal is noted once a minute, with how many were left out") {
    log_fixture f;
    for (int i = 0; i < 100; ++i)
        f.log->note_seldom(audit_event("tunnel.refused"), "203.0.113.7");
    f.log->note_seldom(audit_event("tunnel.refused"), "203.0.113.8");
    f.log->note_seldom(audit_event("rate_limit.exceeded"), "203.0.113.7");
    REQUIRE(f.log->flush());
    CHECK(f.records().size() == 3);
    f.advance(std::chrono::seconds(61));
    f.log->note_seldom(audit_event("tunnel.refused"), "203.0.113.7");
    REQUIRE(f.log->flush());
    REQUIRE(f.records().size() == 4);
    CHECK(f.records()[3].detail == R"({"left_out_before":99})");
}

TEST_CASE("refusals from everywhere at once fill neither memory nor disk") {
    log_fixture f;
    for (int i = 0; i < 20000; ++i)
        f.log->note_seldom(audit_event("tunnel.refused"), "address " + std::to_string(i));
    REQUIRE(f.log->flush());
    CHECK(f.records().size() <= 130);
}

TEST_CASE("text is bounded, without control characters, valid and without keys") {
    log_fixture f;
    const std::string key = "it_0123456789abcdefgh";
    REQUIRE(f.log->append(audit_event("key.created")
                              .by(actor_kind::key, "a\r\nb")
                              .about("x\xff" + std::string(1, '\0') + "\x1b[31m")
                              .from(std::string(1000, 'y'))
                              .with("name", "my key " + key + " and " + key + "!")
                              .with("long", std::string(253, 'z') + "\xe2\x98\x83")
                              .with("count", std::uint64_t{7})));
    const auto r = f.records()[0];
    CHECK(r.actor == "a??b");
    CHECK(r.target == "x\xef\xbf\xbd??[31m");
    CHECK(r.address.size() == 254);
    CHECK(r.detail.find(key) == std::string::npos);
    CHECK(r.detail.find(key.substr(3)) == std::string::npos);
    CHECK(r.detail.find("my key it_***...fgh and it_***...fgh!") != std::string::npos);
    CHECK(r.detail.find(std::string(253, 'z') + "\"") != std::string::npos);
    CHECK(r.detail.ends_with(R"("count":7})"));
}

TEST_CASE("old records are cut, the rest still verifies, and the cut is on record") {
    log_fixture f;
    f.append("key.created", 10);
    const auto limit = f.wall - std::chrono::seconds(4);
    CHECK_FALSE(f.log->cut(limit).value());
    REQUIRE(f.log->flush());
    const auto records = f.records();
    CHECK(records.front().seq == 6);
    CHECK(records.back().action == "audit.cut");
    CHECK(records.back().detail == R"({"up_to":5,"records":5})");
    const auto verdict = f.verify();
    CHECK(verdict.whole);
    CHECK(verdict.first == 6);
    CHECK(verdict.last == 11);
    CHECK_FALSE(f.log->cut(limit).value());
    CHECK(f.records().size() == 6);
}

TEST_CASE("everything may be cut but the record of it") {
    log_fixture f;
    f.append("key.created", 3);
    f.advance(std::chrono::hours(1));
    CHECK_FALSE(f.log->cut(f.wall).value());
    REQUIRE(f.log->flush());
    CHECK(f.records().size() == 1);
    f.append("key.created");
    CHECK(f.verify().whole);
}

TEST_CASE("a log that was changed is not cut: the evidence would go") {
    log_fixture f;
    f.append("key.created", 5);
    f.tamper("UPDATE audit SET actor = 'x' WHERE seq = 2");
    CHECK(f.log->cut(f.wall).error().code == errc::store_failed);
    CHECK(f.records().size() == 5);
}

TEST_CASE("two processes append side by side and the chain stays whole") {
    log_fixture f;
    auto admin = admin_session::open(f.folder.path()).value();
    for (int i = 0; i < 20; ++i) {
        f.append("key.created");
        REQUIRE(admin->audit().append(admin->event("user.disabled").about("ann@example.com")));
        if (i % 3 == 0) REQUIRE(admin->audit().flush());
    }
    admin.reset();
    f.append("key.created");
    const auto verdict = f.verify();
    CHECK(verdict.whole);
    CHECK(verdict.records == 41);
    const auto records = f.records();
    CHECK(records[1].actor_kind == "admin");
    CHECK_FALSE(records[1].actor.empty());
}

TEST_CASE("the head file is private") {
    log_fixture f;
    const auto old = ::umask(0);
    f.append("key.created");
    ::umask(old);
    CHECK(test::mode_of(f.folder.path() / "audit.head") == 0600);
}
