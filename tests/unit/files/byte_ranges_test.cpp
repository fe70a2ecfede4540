#include "files/byte_ranges.hpp"

#include <catch2/catch.hpp>
#include <string>

using namespace instatunnel::files;

namespace {

using ranges = std::vector<byte_range>;

ranges partial(std::string_view field, std::uint64_t size = 100) {
    ranges out;
    REQUIRE(parse_ranges(field, size, out) == range_verdict::partial);
    return out;
}

range_verdict verdict_of(std::string_view field, std::uint64_t size = 100) {
    ranges out;
    return parse_ranges(field, size, out);
}

}  // namespace

TEST_CASE("a range is read from its start, to its end, or as the last bytes") {
    CHECK(partial("bytes=0-9") == ranges{{0, 10}});
    CHECK(partial("bytes=90-") == ranges{{90, 10}});
    CHECK(partial("bytes=-5") == ranges{{95, 5}});
    CHECK(partial("bytes=0-") == ranges{{0, 100}});
    CHECK(partial("bytes=99-99") == ranges{{99, 1}});
    CHECK(partial("BYTES=1-1") == ranges{{1, 1}});
    CHECK(partial("bytes= 1-1 ,\t3-3") == ranges{{1, 1}, {3, 1}});
}

TEST_CASE("a range that reaches behind the end of a file is cut there") {
    CHECK(partial("bytes=90-1000") == ranges{{90, 10}});
    CHECK(partial("bytes=-1000") == ranges{{0, 100}});
    CHECK(partial("bytes=0-99999999999999999999999999") == ranges{{0, 100}});
    CHECK(partial("bytes=-99999999999999999999999999") == ranges{{0, 100}});
}

TEST_CASE("nothing of a file in any range is unsatisfiable") {
    CHECK(verdict_of("bytes=100-") == range_verdict::unsatisfiable);
    CHECK(verdict_of("bytes=-0") == range_verdict::unsatisfiable);
    CHECK(verdict_of("bytes=200-300,400-") == range_verdict::unsatisfiable);
    CHECK(verdict_of("bytes=99999999999999999999999999-") == range_verdict::unsatisfiable);
    CHECK(verdict_of("bytes=0-0", 0) == range_verdict::unsatisfiable);
    CHECK(verdict_of("bytes=-5", 0) == range_verdict::whole);
}

TEST_CASE("unsatisfiable ranges among others are left out") {
    CHECK(partial("bytes=500-,0-1,-0") == ranges{{0, 2}});
}

TEST_CASE("a malformed Range or another unit counts for nothing") {
    for (const auto field :
         {"", "bytes", "bytes=", "bytes=,", "bytes=a-b", "bytes=1", "bytes=5-4", "bytes=-", "bytes=--5", "bytes=1-2-3",
          "bytes=0x1-2", "bytes=+1-2", "bytes=1 -2", "bytes =1-2", "lines=1-2", "bytes=0-1,x", "bytes=0-1;2-3"})
        CHECK(verdict_of(field) == range_verdict::whole);
}

TEST_CASE("several ranges stay in their order; those that touch become one") {
    CHECK(partial("bytes=50-59,0-9") == ranges{{50, 10}, {0, 10}});
    CHECK(partial("bytes=0-9,10-19") == ranges{{0, 20}});
    CHECK(partial("bytes=0-50,40-60,90-") == ranges{{0, 61}, {90, 10}});
    CHECK(partial("bytes=80-,0-9,20-29,5-25") == ranges{{80, 20}, {0, 30}});
    CHECK(partial("bytes=0-,0-,0-,-100") == ranges{{0, 100}});
}

TEST_CASE("too many ranges are ignored") {
    std::string field = "bytes=";
    for (std::size_t i = 0; i < max_ranges; ++i)
        field += (i == 0 ? "" : ",") + std::to_string(i * 4) + "-" + std::to_string(i * 4);
    CHECK(partial(field, 1000).size() == max_ranges);
    CHECK(verdict_of(field + ",999-999", 1000) == range_verdict::whole);
}
