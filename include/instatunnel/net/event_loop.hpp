#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "instatunnel/base/error.hpp"

/// The worker's loop: an edge-triggered epoll set for the byte path, and Asio's io_context as the queue of what is
/// posted to it. One thread runs it; everything but post() and stop() is called on that thread only.
///
/// A turn: the events of one epoll batch, then the turn's deferred work (encrypting and sending what the events
/// produced), then the objects that were retired. Batching sends per turn is what makes a request cheap
/// (docs/design/engine.md).
namespace instatunnel::net {

class event_loop;

/// Receives the readiness of one descriptor. Must outlive its registration.
class io_slot {
public:
    virtual void on_io(std::uint32_t events) = 0;

protected:
    virtual ~io_slot() = default;

private:
    friend class event_loop;
    int watched_fd_ = -1;
};

/// Work that runs once at the end of the turn, however often it was asked for.
class deferred {
public:
    virtual void run_deferred() = 0;

protected:
    virtual ~deferred();

private:
    friend class event_loop;
    event_loop* loop_ = nullptr;
    deferred* prev_ = nullptr;
    deferred* next_ = nullptr;
};

/// An object that lives on a loop by itself (a connection that nobody holds) and ends its life after the turn in which
/// it was retired, when no handler of it is on the stack any more.
class retirable {
public:
    retirable() = default;
    virtual ~retirable() = default;
    retirable(const retirable&) = delete;
    retirable& operator=(const retirable&) = delete;

private:
    friend class event_loop;
    bool kept_ = false;
    retirable* prev_kept_ = nullptr;
    retirable* next_kept_ = nullptr;
};

/// One deadline, embedded in its owner. Re-arming is a store: the wheel looks again when the earlier slot comes up.
/// Resolution is `tick` (50 ms); never early.
class timer {
public:
    using callback = void (*)(void* owner);
    timer(event_loop& loop, callback fn, void* owner) noexcept : loop_(loop), fn_(fn), owner_(owner) {}
    ~timer() { unlink(); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;

    void arm(std::chrono::milliseconds from_now);
    void cancel() noexcept { deadline_tick_ = 0; }
    bool is_armed() const noexcept { return deadline_tick_ != 0; }

private:
    friend class event_loop;
    void unlink() noexcept;

    event_loop& loop_;
    callback fn_;
    void* owner_;
    std::uint64_t deadline_tick_ = 0;  ///< 0: not armed
    std::uint64_t slot_tick_ = 0;      ///< where it hangs in the wheel; 0: nowhere
    timer* prev_ = nullptr;
    timer* next_ = nullptr;
};

class event_loop {
public:
    static constexpr std::chrono::milliseconds tick{50};
    static constexpr std::size_t scratch_size = 64 * 1024;

    event_loop();
    ~event_loop();
    event_loop(const event_loop&) = delete;
    event_loop& operator=(const event_loop&) = delete;

    /// Runs until stop(). Exceptions out of handlers are bugs and end the process.
    void run();
    /// From any thread: run() returns after the current turn.
    void stop();
    /// From any thread: runs `work` on the loop's thread, in order.
    void post(std::function<void()> work);

    /// Reports IN, OUT, RDHUP (and ERR, HUP) of `fd` to `slot`, edge-triggered. Errors: file_io when the system
    /// refuses.
    result<void> watch(int fd, io_slot& slot);
    /// Ends the reports; pending ones of this turn are dropped too. Call before the descriptor is closed.
    void forget(io_slot& slot) noexcept;

    /// Runs `work` at the end of the turn (soon, if no turn is on).
    void defer(deferred& work);
    /// Owns `object` until it is retired, or the loop is destroyed.
    void keep(std::unique_ptr<retirable> object);
    /// Destroys `object`, kept or not, at the end of the turn.
    void retire(std::unique_ptr<retirable> object);

    /// Connections that are closed for their owners and still have bytes to send: what a drain waits for.
    std::size_t leaving() const noexcept { return leaving_; }
    void add_leaving(int by) noexcept { leaving_ += static_cast<std::size_t>(by); }

    /// Monotonic time, read once a turn.
    std::chrono::steady_clock::time_point now() const noexcept { return now_; }

    /// Memory of the turn for reading into: `scratch_size` bytes, contents lost at the next use.
    std::span<char> scratch() noexcept { return scratch_; }

    /// Output buffers are kept for reuse so that busy connections do not allocate and idle ones hold nothing. A string
    /// with less room than this (every fresh one: short text lives inside the object) is none of them.
    static constexpr std::size_t smallest_buffer = 4096;
    std::string take_buffer();
    void give_buffer(std::string&& buffer) noexcept;

private:
    friend class timer;
    friend class deferred;
    class impl;

    void turn();
    void end_turn();
    void wake() noexcept;
    int sleep_ms();
    void run_posted();
    void link(timer& t, std::uint64_t tick_index);
    void fire_timers();
    std::uint64_t tick_of(std::chrono::steady_clock::time_point t) const noexcept;

    std::unique_ptr<impl> impl_;
    std::chrono::steady_clock::time_point now_;
    std::span<char> scratch_;
    std::size_t leaving_ = 0;
};

}  // namespace instatunnel::net
