#include "service/work_queue.hpp"

#include <atomic>
#include <future>
#include <vector>

#include "catch_outcome.hpp"

using instatunnel::service::work_queue;
using namespace std::chrono_literals;

TEST_CASE("jobs run in order on one thread") {
    work_queue queue(1000, 1h, [] {});
    std::vector<int> order;
    for (int i = 0; i < 100; ++i)
        CHECK(queue.post([&order, i] { order.push_back(i); }));
    queue.stop();
    REQUIRE(order.size() == 100);
    for (int i = 0; i < 100; ++i)
        CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("a closed queue takes continuations but nothing new; a stopped one takes nothing") {
    work_queue queue(10, 1h, [] {});
    queue.close();
    bool ran = false;
    CHECK_FALSE(queue.post([] {}));
    CHECK(queue.post_continuation([&] { ran = true; }));
    queue.stop();
    CHECK(ran);
    CHECK_FALSE(queue.post_continuation([] {}));
    CHECK_FALSE(queue.run_and_wait([] {}));
}

TEST_CASE("the tick comes also when jobs never pause") {
    std::promise<void> ticked;
    std::atomic<bool> done{false};
    work_queue queue(1000, 5ms, [&] {
        if (!done.exchange(true)) ticked.set_value();
    });
    std::function<void()> again = [&] {
        if (!done) queue.post_continuation(again);
    };
    queue.post(again);
    CHECK(ticked.get_future().wait_for(30s) == std::future_status::ready);
}
