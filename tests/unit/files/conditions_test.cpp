#include "files/conditions.hpp"

#include <catch2/catch.hpp>

#include "instatunnel/wire/http_date.hpp"

using namespace instatunnel::files;
using namespace std::chrono;
using fields = std::vector<instatunnel::wire::field>;
using verdict = condition_verdict;

namespace {

constexpr sys_seconds now = sys_days(year(2026) / 11 / 29) + hours(12);
constexpr file_version old_file{1000, now - hours(1), now - hours(1)};

const validators settled = make_validators(old_file, now);
const std::string date = instatunnel::wire::to_http_date(now - hours(1));
const std::string earlier = instatunnel::wire::to_http_date(now - hours(2));
const std::string later = instatunnel::wire::to_http_date(now - minutes(1));

verdict check(const fields& f, const validators& v = settled) {
    return check_conditions(f, v, now);
}

}  // namespace

TEST_CASE("whatever changes of a file changes its tag") {
    CHECK(settled.is_strong);
    CHECK(settled.etag.starts_with('"'));
    for (const file_version& other : {file_version{1001, old_file.modified, old_file.changed},
                                      file_version{1000, old_file.modified + nanoseconds(1), old_file.changed},
                                      file_version{1000, old_file.modified, old_file.changed + nanoseconds(1)}})
        CHECK(make_validators(other, now).etag != settled.etag);
}

TEST_CASE("a file that has just changed has a weak tag") {
    CHECK_FALSE(make_validators({1, now - milliseconds(1500), now - hours(1)}, now).is_strong);
    CHECK_FALSE(make_validators({1, now - hours(1), now - milliseconds(1500)}, now).is_strong);
    CHECK_FALSE(make_validators({1, now + hours(1), now - hours(1)}, now).is_strong);
    CHECK(make_validators({1, now - hours(1), now}, now).etag.starts_with("W/\""));
    CHECK(make_validators({1, now - seconds(2), now - seconds(2)}, now).is_strong);
}

TEST_CASE("a version that the visitor has is not sent again") {
    CHECK(check({}) == verdict::proceed);
    CHECK(check({{"If-None-Match", settled.etag}}) == verdict::not_modified);
    const auto list = "\"a,b\" , W/" + settled.etag + ", \"c\"";
    CHECK(check({{"if-none-match", list}}) == verdict::not_modified);
    CHECK(check({{"If-None-Match", "\"a\""}, {"If-None-Match", settled.etag}}) == verdict::not_modified);
    CHECK(check({{"If-None-Match", "*"}}) == verdict::not_modified);
    CHECK(check({{"If-None-Match", "\"other\""}}) == verdict::proceed);
    CHECK(check({{"If-None-Match", settled.etag.substr(1)}}) == verdict::proceed);
    CHECK(check({{"If-Modified-Since", date}}) == verdict::not_modified);
    CHECK(check({{"If-Modified-Since", later}}) == verdict::not_modified);
    CHECK(check({{"If-Modified-Since", earlier}}) == verdict::proceed);
    CHECK(check({{"If-Modified-Since", "yesterday"}}) == verdict::proceed);
}

TEST_CASE("tags come before dates") {
    CHECK(check({{"If-None-Match", "\"other\""}, {"If-Modified-Since", date}}) == verdict::proceed);
    CHECK(check({{"If-Match", settled.etag}, {"If-Unmodified-Since", earlier}}) == verdict::proceed);
}

TEST_CASE("a version that the visitor does not have fails what asks for it") {
    CHECK(check({{"If-Match", settled.etag}}) == verdict::proceed);
    CHECK(check({{"If-Match", "*"}}) == verdict::proceed);
    CHECK(check({{"If-Match", "\"other\""}}) == verdict::failed);
    CHECK(check({{"If-Match", "W/" + settled.etag}}) == verdict::failed);
    CHECK(check({{"If-Unmodified-Since", earlier}}) == verdict::failed);
    CHECK(check({{"If-Unmodified-Since", date}}) == verdict::proceed);
    CHECK(check({{"If-Match", "\"other\""}, {"If-None-Match", settled.etag}}) == verdict::failed);
}

TEST_CASE("a weak tag matches for the cache and not for ranges") {
    const auto fresh = make_validators({1000, now, now}, now);
    CHECK(check({{"If-None-Match", fresh.etag}}, fresh) == verdict::not_modified);
    CHECK(check({{"If-Match", fresh.etag}}, fresh) == verdict::failed);
    CHECK(usable_range({{"Range", "bytes=0-1"}, {"If-Range", fresh.etag}}, fresh, now).empty());
    CHECK(
        usable_range({{"Range", "bytes=0-1"}, {"If-Range", instatunnel::wire::to_http_date(now)}}, fresh, now).empty());
}

TEST_CASE("a range is used only for the version that it was meant for") {
    const instatunnel::wire::field range{"Range", "bytes=0-1"};
    CHECK(usable_range({}, settled, now).empty());
    CHECK(usable_range({range}, settled, now) == "bytes=0-1");
    CHECK(usable_range({range, {"If-Range", settled.etag}}, settled, now) == "bytes=0-1");
    CHECK(usable_range({range, {"If-Range", date}}, settled, now) == "bytes=0-1");
    CHECK(usable_range({range, {"If-Range", later}}, settled, now).empty());
    CHECK(usable_range({range, {"If-Range", "\"other\""}}, settled, now).empty());
    CHECK(usable_range({range, {"If-Range", "W/" + settled.etag}}, settled, now).empty());
    CHECK(usable_range({range, {"If-Range", ""}}, settled, now).empty());
    CHECK(usable_range({range, range}, settled, now).empty());
}
