#include "store/migrations.hpp"

#include <set>

#include "catch_outcome.hpp"
#include "instatunnel/store/sqlite.hpp"
#include "temporary_folder.hpp"

using namespace instatunnel;
using namespace instatunnel::store;

namespace {

constexpr migration first{1, "first", "CREATE TABLE a(x INTEGER) STRICT"};
constexpr migration second{2, "second", "CREATE TABLE b(x INTEGER) STRICT; INSERT INTO a VALUES (7)"};
constexpr migration broken{2, "broken", "INSERT INTO a VALUES (8); INSERT INTO missing VALUES (1)"};
constexpr migration changed{1, "first", "CREATE TABLE a(x INTEGER, y INTEGER) STRICT"};
constexpr auto now = wall_time(std::chrono::seconds(5));

std::int64_t number(database& db, const char* sql) {
    query q(db, sql);
    REQUIRE(q.next());
    return q.number(0);
}

}  // namespace

TEST_CASE("the program's own steps are numbered without gaps") {
    int expected = 1;
    for (const auto& step : sqlite_migrations()) {
        CHECK(step.version == expected++);
        CHECK_FALSE(step.name.empty());
    }
}

TEST_CASE("steps are applied once, and later ones on top") {
    test::temporary_folder folder;
    const auto db = database::open(folder.path() / "x.db").value();
    const migration one[] = {first};
    const migration two[] = {first, second};
    REQUIRE(migrate(*db, one, now));
    REQUIRE(migrate(*db, one, now));
    REQUIRE(migrate(*db, two, now));
    REQUIRE(migrate(*db, two, now));
    CHECK(number(*db, "SELECT count(*) FROM a") == 1);
    CHECK(number(*db, "SELECT count(*) FROM schema_migrations") == 2);
}

TEST_CASE("a step that fails leaves nothing of itself") {
    test::temporary_folder folder;
    const auto db = database::open(folder.path() / "x.db").value();
    const migration one[] = {first};
    const migration bad[] = {first, broken};
    REQUIRE(migrate(*db, one, now));
    const auto failed = migrate(*db, bad, now);
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == errc::store_failed);
    CHECK(number(*db, "SELECT count(*) FROM a") == 0);
    CHECK(migrate(*db, one, now));
}

TEST_CASE("data of a newer program is refused and says so") {
    test::temporary_folder folder;
    const auto db = database::open(folder.path() / "x.db").value();
    const migration one[] = {first};
    const migration two[] = {first, second};
    REQUIRE(migrate(*db, two, now));
    const auto refused = migrate(*db, one, now);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::store_failed);
    CHECK(std::string(refused.error().what()).find("newer version") != std::string::npos);
    CHECK(std::string(refused.error().what()).find("x.db") != std::string::npos);
    CHECK(std::string(refused.error().what_next()).find("Update instatunnel") != std::string::npos);
}

TEST_CASE("data made by a step that has another text is refused") {
    test::temporary_folder folder;
    const auto db = database::open(folder.path() / "x.db").value();
    const migration one[] = {first};
    const migration other[] = {changed};
    REQUIRE(migrate(*db, one, now));
    const auto refused = migrate(*db, other, now);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::store_failed);
    CHECK(std::string(refused.error().what()).find("step 1 differs") != std::string::npos);
}

TEST_CASE("opening a store verifies what its data says about its steps") {
    test::temporary_folder folder;
    REQUIRE(open_sqlite(folder.path()));
    const char* tampering = nullptr;
    SECTION("another checksum") {
        tampering = "UPDATE schema_migrations SET checksum = 'x'";
    }
    SECTION("a step of the future") {
        tampering = "INSERT INTO schema_migrations VALUES (999, 'future', 'x', 0)";
    }
    SECTION("a step that is missing") {
        tampering = "UPDATE schema_migrations SET version = version + 100";
    }
    {
        const auto db = database::open(folder.path() / sqlite_file_name).value();
        REQUIRE(db->execute(tampering));
    }
    const auto opened = open_sqlite(folder.path());
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == errc::store_failed);
}

TEST_CASE("every table is STRICT") {
    test::temporary_folder folder;
    REQUIRE(open_sqlite(folder.path()));
    const auto db = database::open(folder.path() / sqlite_file_name).value();
    CHECK(number(*db,
                 "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND "
                 "name NOT LIKE 'sqlite_%' AND strict = 0") == 0);
    CHECK(number(*db, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND strict = 1") >= 10);
}
