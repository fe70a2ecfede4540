#include "instatunnel/edge/limits.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace instatunnel;
using namespace instatunnel::edge;
using namespace std::chrono_literals;

namespace {

edge_limits with(const char* text) {
    edge_limits made;
    REQUIRE(set_limit(made, text).has_value());
    return made;
}

std::string complaint(const std::string& text) {
    edge_limits made;
    const auto set = set_limit(made, text);
    REQUIRE_FALSE(set.has_value());
    CHECK(set.error().code == errc::usage);
    return std::string(set.error().what());
}

}  // namespace

TEST_CASE("times, sizes, numbers and rates are set by name") {
    CHECK(with("whole-head=500ms").whole_head == 500ms);
    CHECK(with("reply-head=2m").reply_head == 120s);
    CHECK(with("hold=0").hold == 0ms);
    CHECK(with("body=10m").body == 10u * 1024 * 1024);
    CHECK(with("field=4096").head.max_field == 4096);
    CHECK(with("fields=7").head.max_fields == 7);
    CHECK(with("streams=3").session.max_streams == 3);
    CHECK(with("unaccepted=3").session.max_unaccepted == 3);
    CHECK(with("ping=1s").session.ping_after == 1s);
    CHECK(with("silence=3s").session.dead_after == 3s);
    CHECK(with("parked=0").parked == 0);
    CHECK(with("parked-wait=3s").parked_wait == 3s);
    CHECK(with("parked-body=4k").parked_body == 4096);
    CHECK(with("head-grace=0").head_grace == 0ms);
    CHECK(with("head-rate=9").head_rate == 9);
    CHECK(with("http2-streams=3").http2.streams == 3);
    const auto rate = with("handshakes-per-address=10");
    CHECK(rate.handshakes.capacity == 30);
    CHECK(rate.handshakes.interval == std::chrono::duration<double>(0.1));
    CHECK(with("wrong-passwords=6").gate_tries.interval == std::chrono::duration<double>(10.0));
}

TEST_CASE("a limit that spares this machine holds for it once it is set") {
    const edge_limits untouched;
    CHECK_FALSE(untouched.on_loopback.visitors_per_address);
    CHECK_FALSE(untouched.on_loopback.handshakes);
    CHECK_FALSE(untouched.on_loopback.tunnel_requests);
    CHECK(with("visitors-per-address=5").on_loopback.visitors_per_address);
    CHECK(with("handshakes-per-address=5").on_loopback.handshakes);
    CHECK(with("requests-per-tunnel=5").on_loopback.tunnel_requests);
    CHECK(with("visitors=5").visitors_set);
}

TEST_CASE("every limit is named once and refuses what is no value, with its name") {
    const auto names = ", " + limit_names() + ", ";
    for (std::size_t at = 2; at < names.size();) {
        const auto end = names.find(", ", at);
        const auto name = names.substr(at, end - at);
        CHECK(is_limit_name(name));
        CHECK(names.find(", " + name + ", ", end) == std::string::npos);
        for (const char* bad : {"", "=", "=x", "=-1", "=1x", "=99999999999999999999999", "= 5", "=5 ", "=1e3"})
            CHECK(complaint(name + bad).find(name) != std::string::npos);
        at = end + 2;
    }
    CHECK_FALSE(is_limit_name(""));
    CHECK(complaint("visitor=5").find("\"visitor\"") != std::string::npos);
}

TEST_CASE("no head can be allowed that the tunnel could not carry") {
    CHECK(complaint("head=65537").find("65536") != std::string::npos);
    CHECK(complaint("fields=501").find("500") != std::string::npos);
    CHECK(with("head=64k").head.max_head == 65536);
}

TEST_CASE("reasons of the parsers name their limits") {
    CHECK(limit_behind("start line too long") == "start-line");
    CHECK(limit_behind("field too long") == "field");
    CHECK(limit_behind("field line too long") == "field");
    CHECK(limit_behind("head too long") == "head");
    CHECK(limit_behind("too many fields") == "fields");
    CHECK(limit_behind("no Host").empty());
}
