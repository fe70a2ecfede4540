#include "instatunnel/net/event_loop.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <vector>

#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::net {
namespace {

constexpr std::size_t wheel_slots = 2048;  // 102 s at 50 ms a tick; longer deadlines go round again
constexpr int events_per_batch = 128;
constexpr std::size_t kept_buffers = 64;
constexpr std::size_t max_kept_capacity = 160 * 1024;

}  // namespace

class event_loop::impl {
public:
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard{context.get_executor()};
    boost::asio::posix::stream_descriptor poller{context};
    boost::asio::steady_timer wheel_timer{context};
    int epoll_fd = -1;

    std::array<epoll_event, events_per_batch> batch{};
    int batch_size = 0;

    deferred* deferred_first = nullptr;
    deferred* deferred_last = nullptr;
    std::vector<std::unique_ptr<retirable>> retired;
    retirable* kept = nullptr;
    bool in_turn = false;
    bool end_scheduled = false;

    std::chrono::steady_clock::time_point epoch = std::chrono::steady_clock::now();
    std::array<timer*, wheel_slots> wheel{};
    std::size_t wheel_count = 0;
    std::uint64_t wheel_tick = 0;  // the last tick that was looked at
    bool wheel_armed = false;
    std::uint64_t armed_tick = 0;

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
    impl_->epoll_fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (impl_->epoll_fd < 0) throw std::bad_alloc();
    impl_->poller.assign(impl_->epoll_fd);
    arm_poll();
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

boost::asio::io_context& event_loop::context() noexcept {
    return impl_->context;
}

void event_loop::run() {
    now_ = std::chrono::steady_clock::now();
    impl_->context.run();
}

void event_loop::stop() {
    impl_->context.stop();
}

void event_loop::post(std::function<void()> work) {
    boost::asio::post(impl_->context, [this, job = std::move(work)] {
        now_ = std::chrono::steady_clock::now();
        job();
    });
}

result<void> event_loop::watch(int fd, io_slot& slot) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &slot;
    if (::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) return errc::file_io;
    slot.watched_fd_ = fd;
    return {};
}

void event_loop::forget(io_slot& slot) noexcept {
    if (slot.watched_fd_ < 0) return;
    ::epoll_ctl(impl_->epoll_fd, EPOLL_CTL_DEL, slot.watched_fd_, nullptr);
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
    schedule_end_turn();
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
    schedule_end_turn();
}

void event_loop::schedule_end_turn() {
    if (impl_->in_turn || impl_->end_scheduled) return;
    impl_->end_scheduled = true;
    boost::asio::post(impl_->context, [this] {
        impl_->end_scheduled = false;
        end_turn();
    });
}

void event_loop::arm_poll() {
    impl_->poller.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code ec) {
        if (ec) return;
        turn();
        arm_poll();
    });
}

void event_loop::turn() {
    auto& d = *impl_;
    now_ = std::chrono::steady_clock::now();
    d.batch_size = ::epoll_wait(d.epoll_fd, d.batch.data(), events_per_batch, 0);
    d.in_turn = true;
    for (int i = 0; i < d.batch_size; ++i) {
        const auto& event = d.batch[static_cast<std::size_t>(i)];
        // Handlers may have forgotten later slots of this batch: forget() empties them.
        if (event.data.ptr != nullptr) static_cast<io_slot*>(event.data.ptr)->on_io(event.events);
    }
    d.batch_size = 0;
    d.in_turn = false;
    end_turn();
}

void event_loop::end_turn() {
    auto& d = *impl_;
    d.in_turn = true;
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
    d.in_turn = false;
    if (d.deferred_first != nullptr || !d.retired.empty()) schedule_end_turn();
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
    if (buffer.capacity() < smallest_buffer || buffer.capacity() > max_kept_capacity || impl_->buffers.size() >= kept_buffers) {
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
    if (d.wheel_count == 0 && !d.wheel_armed) d.wheel_tick = tick_of(std::chrono::steady_clock::now());
    if (tick_index <= d.wheel_tick) tick_index = d.wheel_tick + 1;
    t.slot_tick_ = tick_index;
    auto*& first = d.wheel[tick_index % wheel_slots];
    t.prev_ = nullptr;
    t.next_ = first;
    if (first != nullptr) first->prev_ = &t;
    first = &t;
    ++d.wheel_count;
    if (!d.wheel_armed || tick_index < d.armed_tick) arm_wheel();
}

void event_loop::arm_wheel() {
    auto& d = *impl_;
    if (d.wheel_count == 0) {
        d.wheel_armed = false;
        return;
    }
    // Sleep until the next slot that holds anything: an idle program is not woken 20 times a second.
    std::uint64_t next = d.wheel_tick + 1;
    while (next < d.wheel_tick + wheel_slots && d.wheel[next % wheel_slots] == nullptr)
        ++next;
    d.wheel_armed = true;
    d.armed_tick = next;
    d.wheel_timer.expires_at(d.epoch + tick * static_cast<std::int64_t>(next));
    d.wheel_timer.async_wait([this](boost::system::error_code ec) {
        if (ec) return;
        now_ = std::chrono::steady_clock::now();
        fire_timers();
        arm_wheel();
    });
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
