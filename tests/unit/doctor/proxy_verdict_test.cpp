#include "doctor/proxy_verdict.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel;
using doctor::check_state;
using doctor::is_without_proxy;
using doctor::judge_proxy;

TEST_CASE("NO_PROXY takes out names, domains and everything") {
    for (const auto* list : {"*", "api.t.example.com", "t.example.com", ".example.com", "a.b, EXAMPLE.com ,c", "com"})
        CHECK(is_without_proxy(list, "api.t.example.com"));
    for (const auto* list : {"", ",", "ample.com", "b.api.t.example.com", "api", ".", "10.0.0.0/8"})
        CHECK_FALSE(is_without_proxy(list, "api.t.example.com"));
}

TEST_CASE("a proxy is told with what it means here, and without its password") {
    CHECK(judge_proxy({}, "api.t.example.com", false).state == check_state::ok);
    const doctor::proxy_variables set{"HTTPS_PROXY", "http://ann:pass@word@proxy.example:3128/", {}};
    const auto works = judge_proxy(set, "api.t.example.com", true);
    CHECK(works.state == check_state::ok);
    CHECK(works.found ==
          "HTTPS_PROXY is set (proxy.example:3128), and is not used: InstaTunnel connects directly, which works here");
    const auto fails = judge_proxy(set, "api.t.example.com", false);
    CHECK(fails.state == check_state::warning);
    CHECK(fails.code == errc::server_unreachable);
    for (const auto* value : {"proxy.example:3128", "socks5h://proxy.example:3128", "https://proxy.example:3128"})
        CHECK(
            judge_proxy({"all_proxy", value, {}}, "a.b", true).found.starts_with("all_proxy is set (proxy.example:31"));
    CHECK(judge_proxy({"all_proxy", "\x1b[31m", {}}, "a.b", true).found.find('\x1b') == std::string::npos);
    CHECK(judge_proxy({"HTTPS_PROXY", "http://p", "b"}, "a.b", false).state == check_state::ok);
}
