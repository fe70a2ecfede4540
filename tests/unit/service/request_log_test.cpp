#include "instatunnel/service/request_log.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

using instatunnel::service::logged_request;
using instatunnel::service::logged_tunnel;
using instatunnel::service::request_log;
using instatunnel::wire::path_pattern;
using instatunnel::wire::status_set;

namespace {

std::shared_ptr<const logged_tunnel> tunnel_of(const char* account, const char* id = "tun_a") {
    return std::make_shared<const logged_tunnel>(logged_tunnel{account, id, "demo"});
}

logged_request request(std::shared_ptr<const logged_tunnel> of, std::string_view path, std::uint16_t status = 200,
                       std::int64_t began_us = 1) {
    logged_request r;
    r.of = std::move(of);
    r.name("GET", path);
    r.status = status;
    r.began_us = began_us;
    return r;
}

request_log::filter of_account(const char* account) {
    request_log::filter wanted;
    wanted.account_id = account;
    return wanted;
}

std::vector<std::string> paths_in(const request_log::page& page) {
    std::vector<std::string> paths;
    for (const auto& r : page.requests)
        paths.emplace_back(r.path());
    return paths;
}

}  // namespace

TEST_CASE("an account sees its own requests only") {
    request_log log;
    log.add(request(tunnel_of("acc_1"), "/mine"));
    log.add(request(tunnel_of("acc_2"), "/theirs"));
    CHECK(paths_in(log.find(of_account("acc_1"))) == std::vector<std::string>{"/mine"});
    CHECK(log.find(of_account("")).requests.empty());
    CHECK(log.find(of_account("acc_3")).requests.empty());
}

TEST_CASE("queries are not kept, and long paths and methods are cut") {
    logged_request r;
    r.name("GET", "/path?token=secret");
    CHECK(r.path() == "/path");
    CHECK_FALSE(r.is_cut);
    r.name("GET", "/" + std::string(200, 'x') + "?token=secret");
    CHECK(r.path() == "/" + std::string(logged_request::max_path - 1, 'x'));
    CHECK(r.is_cut);
    r.name("PROPPATCHED-AND-MORE", "*");
    CHECK(r.method() == "PROPPATCHE");
    CHECK(r.path() == "*");
    CHECK_FALSE(r.is_cut);
}

TEST_CASE("the newest are given oldest first, and the rest follows from there") {
    request_log log;
    const auto mine = tunnel_of("acc_1");
    for (int i = 0; i < 3000; ++i)
        log.add(request(i % 2 == 0 ? mine : tunnel_of("acc_2"), "/" + std::to_string(i)));
    auto wanted = of_account("acc_1");
    wanted.limit = 3;
    const auto newest = log.find(wanted);
    CHECK(paths_in(newest) == std::vector<std::string>{"/2994", "/2996", "/2998"});
    wanted.after = newest.next;
    CHECK(log.find(wanted).requests.empty());
    for (int i = 0; i < 5; ++i)
        log.add(request(mine, "/late" + std::to_string(i)));
    auto late = log.find(wanted);
    CHECK(paths_in(late) == std::vector<std::string>{"/late0", "/late1", "/late2"});
    CHECK_FALSE(late.has_gap);
    wanted.after = late.next;
    CHECK(paths_in(log.find(wanted)) == std::vector<std::string>{"/late3", "/late4"});
}

TEST_CASE("the oldest are lost first, and whoever follows is told of the gap") {
    request_log log;
    const auto mine = tunnel_of("acc_1");
    const std::weak_ptr<const logged_tunnel> lost = [&] {
        auto gone = tunnel_of("acc_1", "tun_gone");
        log.add(request(gone, "/first"));
        return gone;
    }();
    CHECK_FALSE(lost.expired());
    for (std::size_t i = 0; i < request_log::capacity + 10; ++i)
        log.add(request(mine, "/" + std::to_string(i)));
    CHECK(lost.expired());
    auto wanted = of_account("acc_1");
    wanted.after = 0;
    wanted.limit = 2;
    const auto page = log.find(wanted);
    CHECK(page.has_gap);
    CHECK(paths_in(page) == std::vector<std::string>{"/10", "/11"});
    wanted.after.reset();
    wanted.limit = request_log::capacity * 2;
    CHECK(log.find(wanted).requests.size() == request_log::capacity);
}

TEST_CASE("tunnel, time, status and path narrow what is found") {
    request_log log;
    log.add(request(tunnel_of("acc_1", "tun_a"), "/api/1", 200, 100));
    log.add(request(tunnel_of("acc_1", "tun_b"), "/api/2", 404, 200));
    log.add(request(tunnel_of("acc_1", "tun_a"), "/page", 500, 300));
    log.add(request(tunnel_of("acc_1", "tun_a"), "/left", 0, 400));
    auto wanted = of_account("acc_1");
    wanted.tunnel_id = "tun_b";
    CHECK(paths_in(log.find(wanted)) == std::vector<std::string>{"/api/2"});
    wanted = of_account("acc_1");
    wanted.since_us = 200;
    CHECK(log.find(wanted).requests.size() == 3);
    wanted.statuses = status_set::parse("4xx,5xx");
    CHECK(paths_in(log.find(wanted)) == std::vector<std::string>{"/api/2", "/page"});
    wanted.paths = path_pattern("/api/");
    CHECK(paths_in(log.find(wanted)) == std::vector<std::string>{"/api/2"});
}

TEST_CASE("whoever waits hears of the next request once") {
    request_log log;
    int heard = 0;
    log.call_at_next([&] { ++heard; });
    log.add(request(tunnel_of("acc_1"), "/1"));
    log.add(request(tunnel_of("acc_1"), "/2"));
    CHECK(heard == 1);
}

TEST_CASE("requests are added while others read") {
    request_log log;
    std::atomic<bool> done = false;
    std::thread adder([&] {
        const auto mine = tunnel_of("acc_1");
        for (int i = 0; i < 200'000; ++i)
            log.add(request(mine, "/" + std::to_string(i)));
        done = true;
    });
    auto wanted = of_account("acc_1");
    wanted.after = 0;
    wanted.limit = 100;
    bool is_in_order = true;
    int last = -1;
    while (!done) {
        const auto page = log.find(wanted);
        for (const auto& r : page.requests) {
            const int number = std::stoi(std::string(r.path().substr(1)));
            is_in_order = is_in_order && number > last && (page.has_gap || number == last + 1);
            last = number;
        }
        wanted.after = page.next;
    }
    adder.join();
    CHECK(is_in_order);
}
