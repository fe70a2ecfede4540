#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace instatunnel::service {

/// One thread that runs jobs in order, and `on_tick` between them about every `period`. Everything that touches the
/// store runs here, so nothing behind it needs a lock.
class work_queue {
public:
    using job = std::function<void()>;

    work_queue(std::size_t capacity, std::chrono::milliseconds period, job on_tick);
    ~work_queue();
    work_queue(const work_queue&) = delete;
    work_queue& operator=(const work_queue&) = delete;

    /// False, and the job is not run, when `capacity` jobs wait or the queue was closed.
    bool post(job j);
    /// For the second half of a job that was counted before: not bounded here, accepted until stop().
    bool post_continuation(job j);
    /// Runs `j` on the queue's thread and waits for it. False if it was not run.
    bool run_and_wait(const job& j);

    /// post() refuses from now on; what waits is still run.
    void close();
    /// Runs what waits, then ends the thread. Idempotent.
    void stop();

private:
    bool push(job j, bool bounded);
    void run();

    const std::size_t capacity_;
    const std::chrono::milliseconds period_;
    const job on_tick_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<job> jobs_;
    bool closed_ = false;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace instatunnel::service
