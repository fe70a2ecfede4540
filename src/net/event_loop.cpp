#include "instatunnel/net/event_loop.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <new>
#include <vector>

#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::net {
namespace {

constexpr std::size_t wheel_slots = 2048;  // 102 s at 50 ms a tick; longer deadlines go round again
constexpr int events_per_batch = 128;
constexpr int polls_per_turn = 4;
constexpr int worth_another_poll = 2;
constexpr int posted_per_turn = 64;
constexpr std::size_t kept_buffers = 64;
constexpr std::size_t max_kept_capacity = 160 * 1024;

}  // namespace

class event_loop::impl {
public:
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
    unique_fd epoll_fd;
    unique_fd wake_fd;  // readable: another thread has posted something
    std::atomic<bool> has_posted{false};
    std::atomic<bool> stopping{false};

    std::array<epoll_event, events_per_batch> batch{};
    int batch_size = 0;

    deferred* deferred_first = nullptr;
    deferred* deferred_last = nullptr;
    std::vector<std::unique_ptr<retirable>> retired;
    retirable* kept = nullptr;

    std::chrono::steady_clock::time_point epoch = std::chrono::steady_clock::now();
    std::array<timer*, wheel_slots> wheel{};
    std::size_t wheel_count = 0;
    std::uint64_t wheel_tick = 0;  // the last tick that was looked at
    std::uint64_t next_slot = 0;   // no earlier slot holds anything

    std::vector<std::string> buffers;
    std::array<char, scratch_size> scratch{};
};

deferred::~deferred() {
    if (loop_ == nullptr) return;
    auto& d = *loop_->impl_;
    (prev_ != nullptr ? prev_->next_ : d.deferred_first) = next_;
    (next_ != nullptr ? next_->prev_ : d.deferred_last) = prev_;
}

event_loop::event_loop()
    : impl_(std::make_unique<impl>()), now_(std::chrono::steady_clock::now()), scratch_(impl_->scratch) {
    impl_->epoll_fd.reset(::epoll_create1(EPOLL_CLOEXEC));
    impl_->wake_fd.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    epoll_event wake{};
    wake.events = EPOLLIN | EPOLLET;
    if (!impl_->epoll_fd || !impl_->wake_fd ||
        ::epoll_ctl(impl_->epoll_fd.get(), EPOLL_CTL_ADD, impl_->wake_fd.get(), &wake) != 0)
        throw std::bad_alloc();
}

event_loop::~event_loop() {
    // What lives or was retired here may still name timers and slots of this loop.
    while (impl_->kept != nullptr)
        retire(std::unique_ptr<retirable>(impl_->kept));
    while (!impl_->retired.empty()) {
        auto dying = std::move(impl_->retired);
        impl_->retired.clear();
    }
    // Their owners may live on; they must not look for this loop any more.
    for (deferred* work = impl_->deferred_first; work != nullptr; work = work->next_)
        work->loop_ = nullptr;
}

void event_loop::run() {
    now_ = std::chrono::steady_clock::now();
    while (!impl_->stopping.exchange(false))
        turn();
}

void event_loop::stop() {
    impl_->stopping = true;
    wake();
}

void event_loop::post(std::function<void()> work) {
    boost::asio::post(impl_->context, std::move(work));
    // One write wakes the loop, however much is posted before it looks.
    if (!impl_->has_posted.exchange(true)) wake();
}

void event_loop::wake() noexcept {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake.
    [[maybe_unused]] const auto written = ::write(impl_->wake_fd.get(), &one, sizeof one);
}

result<void> event_loop::watch(int fd, io_slot& slot) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &slot;
    if (::epoll_ctl(impl_->epoll_fd.get(), EPOLL_CTL_ADD, fd, &event) != 0) return errc::file_io;
    slot.watched_fd_ = fd;
    return {};
}

void event_loop::forget(io_slot& slot) noexcept {
    if (slot.watched_fd_ < 0) return;
    ::epoll_ctl(impl_->epoll_fd.get(), EPOLL_CTL_DEL, slot.watched_fd_, nullptr);
    slot.watched_fd_ = -1;
    for (int i = 0; i < impl_->batch_size; ++i) {
        auto& event = impl_->batch[static_cast<std::size_t>(i)];
        if (event.data.ptr == &slot) event.data.ptr = nullptr;
    }
}

void event_loop::defer(deferred& work) {
    if (work.loop_ != nullptr) return;
    work.loop_ = this;
    work.prev_ = impl_->deferred_last;
    work.next_ = nullptr;
    (impl_->deferred_last != nullptr ? impl_->deferred_last->next_ : impl_->deferred_first) = &work;
    impl_->deferred_last = &work;
}

void event_loop::keep(std::unique_ptr<retirable> object) {
    retirable* raw = object.release();
    raw->kept_ = true;
    raw->next_kept_ = impl_->kept;
    if (impl_->kept != nullptr) impl_->kept->prev_kept_ = raw;
    impl_->kept = raw;
}

void event_loop::retire(std::unique_ptr<retirable> object) {
    if (object->kept_) {
        auto& o = *object;
        (o.prev_kept_ != nullptr ? o.prev_kept_->next_kept_ : impl_->kept) = o.next_kept_;
        if (o.next_kept_ != nullptr) o.next_kept_->prev_kept_ = o.prev_kept_;
        o.kept_ = false;
    }
    impl_->retired.push_back(std::move(object));
}

// How long the loop may sleep, in milliseconds for epoll_wait: -1 without a deadline.
int event_loop::sleep_ms() {
    auto& d = *impl_;
    if (d.deferred_first != nullptr || !d.retired.empty() || d.stopping || d.has_posted) return 0;
    if (d.wheel_count == 0) return -1;
    // Until the next slot that holds anything: an idle program is not woken 20 times a second.
    if (d.next_slot <= d.wheel_tick) {
        d.next_slot = d.wheel_tick + 1;
        while (d.next_slot < d.wheel_tick + wheel_slots && d.wheel[d.next_slot % wheel_slots] == nullptr)
            ++d.next_slot;
    }
    const auto due = d.epoch + tick * static_cast<std::int64_t>(d.next_slot);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void event_loop::turn() {
    auto& d = *impl_;
    int timeout = sleep_ms();
    // Under load more has arrived while a batch was handled: it joins this turn and shares the turn's sends.
    for (int round = 0; round < polls_per_turn; ++round, timeout = 0) {
        d.batch_size = ::epoll_wait(d.epoll_fd.get(), d.batch.data(), events_per_batch, timeout);
        if (round == 0) now_ = std::chrono::steady_clock::now();
        const int handled = d.batch_size;
        for (int i = 0; i < d.batch_size; ++i) {
            const auto& event = d.batch[static_cast<std::size_t>(i)];
            // Null is the waker's, or that of a slot which a handler of this batch has forgotten.
            if (event.data.ptr != nullptr) static_cast<io_slot*>(event.data.ptr)->on_io(event.events);
        }
        d.batch_size = 0;
        if (handled < worth_another_poll) break;
    }
    if (d.has_posted.exchange(false)) run_posted();
    if (d.wheel_count != 0) fire_timers();
    end_turn();
}

// Bounded, so that jobs which post the next one cannot keep the descriptors waiting.
void event_loop::run_posted() {
    for (int i = 0; i < posted_per_turn; ++i)
        if (impl_->context.poll_one() == 0) return;
    impl_->has_posted = true;
}

void event_loop::end_turn() {
    auto& d = *impl_;
    // Bounded: work that defers itself again (a flush that wakes a reader) continues a few rounds here, the rest after
    // other handlers had their chance.
    for (int round = 0; round < 8 && d.deferred_first != nullptr; ++round) {
        for (deferred* last = d.deferred_last; d.deferred_first != nullptr;) {
            deferred* work = d.deferred_first;
            d.deferred_first = work->next_;
            (d.deferred_first != nullptr ? d.deferred_first->prev_ : d.deferred_last) = nullptr;
            work->next_ = work->prev_ = nullptr;
            work->loop_ = nullptr;
            const bool round_ends = work == last;
            work->run_deferred();
            if (round_ends) break;
        }
    }
    auto dying = std::move(d.retired);
    d.retired.clear();
    dying.clear();
}

std::string event_loop::take_buffer() {
    if (impl_->buffers.empty()) {
        std::string fresh;
        fresh.reserve(smallest_buffer);
        return fresh;
    }
    std::string buffer = std::move(impl_->buffers.back());
    impl_->buffers.pop_back();
    return buffer;
}

void event_loop::give_buffer(std::string&& buffer) noexcept {
    if (buffer.capacity() < smallest_buffer || buffer.capacity() > max_kept_capacity ||
        impl_->buffers.size() >= kept_buffers) {
        std::string().swap(buffer);
        return;
    }
    buffer.clear();
    impl_->buffers.push_back(std::move(buffer));
    buffer = std::string();
}

// --- timers ----------------------------------------------------------------------------------------------------------

std::uint64_t event_loop::tick_of(std::chrono::steady_clock::time_point t) const noexcept {
    return static_cast<std::uint64_t>((t - impl_->epoch) / tick);
}

void timer::arm(std::chrono::milliseconds from_now) {
    // One tick more than the division: never early.
    deadline_tick_ = loop_.tick_of(loop_.now() + from_now) + 1;
    if (slot_tick_ != 0 && slot_tick_ <= deadline_tick_) return;
    unlink();
    loop_.link(*this, deadline_tick_);
}

void timer::unlink() noexcept {
    if (slot_tick_ == 0) return;
    auto& d = *loop_.impl_;
    (prev_ != nullptr ? prev_->next_ : d.wheel[slot_tick_ % wheel_slots]) = next_;
    if (next_ != nullptr) next_->prev_ = prev_;
    prev_ = next_ = nullptr;
    slot_tick_ = 0;
    --d.wheel_count;
}

void event_loop::link(timer& t, std::uint64_t tick_index) {
    auto& d = *impl_;
    if (d.wheel_count == 0) d.wheel_tick = tick_of(std::chrono::steady_clock::now());
    if (tick_index <= d.wheel_tick) tick_index = d.wheel_tick + 1;
    d.next_slot = d.wheel_count == 0 ? tick_index : std::min(d.next_slot, tick_index);
    t.slot_tick_ = tick_index;
    auto*& first = d.wheel[tick_index % wheel_slots];
    t.prev_ = nullptr;
    t.next_ = first;
    if (first != nullptr) first->prev_ = &t;
    first = &t;
    ++d.wheel_count;
}

void event_loop::fire_timers() {
    auto& d = *impl_;
    const std::uint64_t current = tick_of(now_);
    for (; d.wheel_tick < current;) {
        ++d.wheel_tick;
        auto*& slot = d.wheel[d.wheel_tick % wheel_slots];
        timer* t = slot;
        while (t != nullptr) {
            if (t->slot_tick_ > d.wheel_tick) {  // a later round of the wheel
                t = t->next_;
                continue;
            }
            t->unlink();
            const std::uint64_t deadline = t->deadline_tick_;
            if (deadline > d.wheel_tick) {
                link(*t, deadline);
            } else if (deadline != 0) {
                t->deadline_tick_ = 0;
                t->fn_(t->owner_);
            }
            // The callback may have changed the list in any way.
            t = slot;
        }
    }
}

}  // namespace instatunnel::net
