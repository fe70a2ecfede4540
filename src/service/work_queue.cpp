#include "work_queue.hpp"

#include <future>
#include <utility>

namespace instatunnel::service {

work_queue::work_queue(std::size_t capacity, std::chrono::milliseconds period, job on_tick)
    : capacity_(capacity), period_(period), on_tick_(std::move(on_tick)), thread_([this] { run(); }) {}

work_queue::~work_queue() {
    stop();
}

bool work_queue::post(job j) {
    return push(std::move(j), /*bounded=*/true);
}

bool work_queue::post_continuation(job j) {
    return push(std::move(j), /*bounded=*/false);
}

bool work_queue::push(job j, bool bounded) {
    {
        const std::lock_guard lock(mutex_);
        if (stopping_ || (bounded && (closed_ || jobs_.size() >= capacity_))) return false;
        jobs_.push_back(std::move(j));
    }
    wake_.notify_one();
    return true;
}

bool work_queue::run_and_wait(const job& j) {
    std::promise<void> done;
    if (!post_continuation([&] {
            j();
            done.set_value();
        }))
        return false;
    done.get_future().wait();
    return true;
}

void work_queue::run() {
    auto next_tick = std::chrono::steady_clock::now() + period_;
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait_until(lock, next_tick, [this] { return stopping_ || !jobs_.empty(); });
        if (jobs_.empty() && stopping_) return;
        job next;
        if (!jobs_.empty()) {
            next = std::move(jobs_.front());
            jobs_.pop_front();
        }
        lock.unlock();
        if (next) next();
        next = nullptr;  // what it captured must not wait for the next round
        if (const auto now = std::chrono::steady_clock::now(); now >= next_tick) {
            on_tick_();
            next_tick = now + period_;
        }
        lock.lock();
    }
}

void work_queue::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
}

void work_queue::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    if (thread_.joinable()) thread_.join();
}

}  // namespace instatunnel::service
