#include "instatunnel/net/event_loop.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "instatunnel/base/unique_fd.hpp"
#include "loop_runner.hpp"

using namespace instatunnel;
using namespace instatunnel::net;
using namespace std::chrono_literals;
using test::loop_runner;

namespace {

// A timer that counts and remembers when it fired.
struct alarm_clock {
    explicit alarm_clock(event_loop& l)
        : loop(l),
          clock(
              l, [](void* self) { static_cast<alarm_clock*>(self)->ring(); }, this) {}
    void ring() {
        ++rung;
        at = loop.now();
        if (on_ring) on_ring();
    }
    event_loop& loop;
    std::function<void()> on_ring;
    int rung = 0;
    std::chrono::steady_clock::time_point at{};
    timer clock;
};

struct counted_work final : deferred {
    std::function<void()> work;
    int runs = 0;
    void run_deferred() override {
        ++runs;
        if (work) work();
    }
};

struct mortal final : retirable {
    explicit mortal(bool& dead) : dead_(dead) {}
    ~mortal() override { dead_ = true; }
    bool& dead_;
};

struct socket_pair {
    unique_fd a, b;
    socket_pair() {
        int fds[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
        a.reset(fds[0]);
        b.reset(fds[1]);
    }
};

struct counting_slot final : io_slot {
    std::function<void()> work;
    int calls = 0;
    std::uint32_t seen = 0;
    void on_io(std::uint32_t events) override {
        ++calls;
        seen |= events;
        if (work) work();
    }
};

}  // namespace

TEST_CASE("a timer is never early and hardly late", "[loop]") {
    loop_runner r;
    for (const auto delay : {0ms, 1ms, 49ms, 50ms, 51ms, 130ms}) {
        INFO(delay.count());
        alarm_clock a(r.loop);
        std::chrono::steady_clock::time_point armed;
        r.loop.post([&] {
            armed = r.loop.now();
            a.clock.arm(delay);
        });
        REQUIRE(r.run_until([&] { return a.rung != 0; }));
        CHECK(a.at - armed >= delay);
        CHECK(a.at - armed < delay + 1s);
        CHECK_FALSE(a.clock.is_armed());
    }
}

TEST_CASE("arming again moves the deadline, both ways, and fires once", "[loop]") {
    loop_runner r;
    alarm_clock later(r.loop), sooner(r.loop);
    std::chrono::steady_clock::time_point armed;
    r.loop.post([&] {
        armed = r.loop.now();
        later.clock.arm(50ms);
        later.clock.arm(250ms);
        sooner.clock.arm(30s);
        sooner.clock.arm(60ms);
    });
    REQUIRE(r.run_until([&] { return later.rung != 0 && sooner.rung != 0; }));
    CHECK(later.at - armed >= 250ms);
    CHECK(sooner.at < later.at);
    r.run_for(150ms);
    CHECK(later.rung == 1);
    CHECK(sooner.rung == 1);
}

TEST_CASE("a timer that was cancelled, or died, is silent", "[loop]") {
    loop_runner r;
    alarm_clock cancelled(r.loop), last(r.loop);
    std::optional<alarm_clock> dead(std::in_place, r.loop);
    r.loop.post([&] {
        cancelled.clock.arm(50ms);
        dead->clock.arm(50ms);
        last.clock.arm(150ms);
        cancelled.clock.cancel();
        CHECK_FALSE(cancelled.clock.is_armed());
        dead.reset();
    });
    REQUIRE(r.run_until([&] { return last.rung != 0; }));
    CHECK(cancelled.rung == 0);
}

TEST_CASE("a callback may cancel, destroy and arm timers, its own too", "[loop]") {
    loop_runner r;
    std::vector<std::unique_ptr<alarm_clock>> clocks;
    for (int i = 0; i < 8; ++i)
        clocks.push_back(std::make_unique<alarm_clock>(r.loop));
    int rings = 0;
    // All hang in one slot; whichever comes first takes the others with it in its way.
    for (auto& c : clocks)
        c->on_ring = [&, self = c.get()] {
            if (++rings > 1) return;
            for (auto& other : clocks) {
                if (other.get() == self) continue;
                if (rings % 2 == 1)
                    other.reset();
                else
                    other->clock.cancel();
                ++rings;
            }
            self->clock.arm(50ms);
        };
    r.loop.post([&] {
        for (auto& c : clocks)
            c->clock.arm(60ms);
    });
    const auto survivors_rang = [&] {
        int twice = 0;
        for (auto& c : clocks)
            twice += c != nullptr && c->rung == 2;
        return twice == 1;
    };
    REQUIRE(r.run_until(survivors_rang));
    r.run_for(120ms);
    CHECK(survivors_rang());
}

TEST_CASE("a deadline beyond one round of the wheel waits for its own round", "[loop]") {
    loop_runner r;
    alarm_clock far(r.loop), near(r.loop);
    r.loop.post([&] {
        // Hangs in the slot that comes up in 100 to 150 ms, one round too early.
        far.clock.arm(2048 * event_loop::tick + 100ms);
        near.clock.arm(300ms);
    });
    REQUIRE(r.run_until([&] { return near.rung != 0; }));
    CHECK(far.rung == 0);
    CHECK(far.clock.is_armed());
    r.loop.post([&] { far.clock.arm(50ms); });
    CHECK(r.run_until([&] { return far.rung == 1; }));
}

TEST_CASE("posted work runs in order, whatever thread it comes from", "[loop]") {
    loop_runner r;
    std::vector<int> order;
    std::thread other([&] {
        for (int i = 0; i < 1000; ++i)
            r.loop.post([&order, i] { order.push_back(i); });
    });
    REQUIRE(r.run_until([&] { return order.size() == 1000; }));
    other.join();
    CHECK(std::is_sorted(order.begin(), order.end()));
}

TEST_CASE("deferred work runs once however often it was asked for, and not after its end", "[loop]") {
    loop_runner r;
    counted_work work, again;
    std::optional<counted_work> dead(std::in_place);
    again.work = [&] {
        if (again.runs < 20) r.loop.defer(again);
    };
    r.loop.post([&] {
        for (int i = 0; i < 5; ++i)
            r.loop.defer(work);
        r.loop.defer(*dead);
        r.loop.defer(again);
        CHECK(work.runs == 0);
        dead.reset();
    });
    REQUIRE(r.run_until([&] { return again.runs == 20; }));
    CHECK(work.runs == 1);
}

TEST_CASE("work that is deferred at the end of the loop does not look for it", "[loop]") {
    counted_work work;
    {
        loop_runner r;
        r.loop.defer(work);
    }
    CHECK(work.runs == 0);
}

TEST_CASE("what is retired lives until its turn is over", "[loop]") {
    loop_runner r;
    bool dead = false, kept_dead = false;
    r.run_once([&] {
        auto kept = std::make_unique<mortal>(kept_dead);
        auto* raw = kept.get();
        r.loop.keep(std::move(kept));
        r.loop.retire(std::make_unique<mortal>(dead));
        r.loop.retire(std::unique_ptr<retirable>(raw));
        CHECK_FALSE(dead);
        CHECK_FALSE(kept_dead);
    });
    CHECK(dead);
    CHECK(kept_dead);
}

TEST_CASE("what is kept dies with the loop", "[loop]") {
    bool first = false, second = false, third = false;
    {
        loop_runner r;
        r.loop.keep(std::make_unique<mortal>(first));
        auto middle = std::make_unique<mortal>(second);
        auto* raw = middle.get();
        r.loop.keep(std::move(middle));
        r.loop.keep(std::make_unique<mortal>(third));
        r.run_once([&] { r.loop.retire(std::unique_ptr<retirable>(raw)); });
        CHECK(second);
        CHECK_FALSE(first);
    }
    CHECK(first);
    CHECK(third);
}

TEST_CASE("readiness is reported once an edge", "[loop]") {
    loop_runner r;
    socket_pair pair;
    counting_slot slot;
    REQUIRE(r.loop.watch(pair.a.get(), slot));
    r.run_for(60ms);
    CHECK(slot.seen == EPOLLOUT);
    REQUIRE(::write(pair.b.get(), "x", 1) == 1);
    REQUIRE(r.run_until([&] { return (slot.seen & EPOLLIN) != 0; }));
    const auto calls = slot.calls;
    r.run_for(60ms);
    CHECK(slot.calls == calls);
    pair.b.reset();
    REQUIRE(r.run_until([&] { return (slot.seen & EPOLLRDHUP) != 0; }));
    r.loop.forget(slot);
}

TEST_CASE("a slot that was forgotten in a turn hears nothing more in it", "[loop]") {
    loop_runner r;
    socket_pair one, two;
    counting_slot a, b;
    REQUIRE(r.loop.watch(one.a.get(), a));
    REQUIRE(r.loop.watch(two.a.get(), b));
    // Both are ready at once; whichever is first silences the other.
    a.work = [&] { r.loop.forget(b); };
    b.work = [&] { r.loop.forget(a); };
    r.run_for(60ms);
    CHECK(a.calls + b.calls == 1);
    r.loop.forget(a);
    r.loop.forget(b);
}

TEST_CASE("a descriptor that cannot be watched is an error", "[loop]") {
    loop_runner r;
    counting_slot slot;
    CHECK_FALSE(r.loop.watch(-1, slot));
    r.loop.forget(slot);
}

TEST_CASE("buffers come back empty with their memory, huge ones do not stay", "[loop]") {
    event_loop loop;
    std::string used(100'000, 'x');
    loop.give_buffer(std::move(used));
    auto again = loop.take_buffer();
    CHECK(again.empty());
    CHECK(again.capacity() >= 100'000);
    loop.give_buffer(std::string(1'000'000, 'x'));
    loop.give_buffer(std::string("tiny"));
    CHECK(loop.take_buffer().capacity() < 2 * event_loop::smallest_buffer);
}
