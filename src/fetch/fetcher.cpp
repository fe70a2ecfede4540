#include "instatunnel/fetch/fetcher.hpp"

#include <algorithm>
#include <climits>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "transfer.hpp"

namespace instatunnel::fetch {
namespace {

struct multi_free {
    void operator()(CURLM* handle) const noexcept { curl_multi_cleanup(handle); }
};

std::unique_ptr<CURLM, multi_free> make_multi() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    std::unique_ptr<CURLM, multi_free> multi(curl_multi_init());
    if (multi == nullptr) throw std::runtime_error("libcurl cannot be used");
    return multi;
}

class curl_fetcher final : public fetcher {
public:
    explicit curl_fetcher(fetcher_options options)
        : options_(std::move(options)),
          multi_(make_multi()),
          thread_([this](const std::stop_token& stop) { run(stop); }) {}
    ~curl_fetcher() override { curl_fetcher::stop(); }

    outcome<void> start(request what, callback done) override;
    void stop() override;

private:
    using transfer_list = std::list<std::unique_ptr<transfer>>;

    void run(const std::stop_token& stop);
    void take_waiting();
    void begin(std::unique_ptr<transfer> next);
    void finish_done();
    void end_expired();
    void cancel_all();
    int patience_ms();
    std::unique_ptr<transfer> take_active(CURL* handle);

    const fetcher_options options_;
    const std::unique_ptr<CURLM, multi_free> multi_;
    transfer_list active_;  // of the thread
    std::mutex mutex_;
    transfer_list waiting_;
    bool stopped_ = false;
    std::jthread thread_;  // last: it uses all of the above
};

outcome<void> curl_fetcher::start(request what, callback done) {
    auto where = check_url(what.url, options_.allows_loopback);
    if (!where) return where.error();
    auto next = std::make_unique<transfer>(std::move(what), std::move(*where), std::move(done));
    {
        const std::lock_guard hold(mutex_);
        if (stopped_) return failure(errc::cancelled);
        if (waiting_.size() >= options_.capacity) return failure(errc::busy);
        waiting_.push_back(std::move(next));
    }
    curl_multi_wakeup(multi_.get());
    return {};
}

void curl_fetcher::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        int running = 0;
        take_waiting();
        curl_multi_perform(multi_.get(), &running);
        finish_done();
        end_expired();
        curl_multi_poll(multi_.get(), nullptr, 0, patience_ms(), nullptr);
    }
    cancel_all();
}

void curl_fetcher::take_waiting() {
    while (active_.size() < options_.at_once) {
        std::unique_ptr<transfer> next;
        {
            const std::lock_guard hold(mutex_);
            if (waiting_.empty()) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        begin(std::move(next));
    }
}

void curl_fetcher::begin(std::unique_ptr<transfer> next) {
    if (next->deadline() <= std::chrono::steady_clock::now()) return next->fail(next->out_of_time());
    if (!next->prepare(options_) || curl_multi_add_handle(multi_.get(), next->handle()) != CURLM_OK)
        return next->fail(errc::internal);
    active_.push_back(std::move(next));
}

std::unique_ptr<transfer> curl_fetcher::take_active(CURL* handle) {
    const auto found = std::ranges::find(active_, handle, &transfer::handle);
    if (found == active_.end()) return nullptr;
    auto taken = std::move(*found);
    active_.erase(found);
    curl_multi_remove_handle(multi_.get(), handle);
    return taken;
}

void curl_fetcher::finish_done() {
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi_.get(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto code = message->data.result;  // the message goes with the handle
        if (auto done = take_active(message->easy_handle)) done->finish(code);
    }
    // A place is free: whoever waits gets it before the next wait.
    take_waiting();
}

// Requests that never got a place.
void curl_fetcher::end_expired() {
    transfer_list expired;
    {
        const std::lock_guard hold(mutex_);
        const auto now = std::chrono::steady_clock::now();
        for (auto at = waiting_.begin(); at != waiting_.end();) {
            const auto next = std::next(at);
            if ((*at)->deadline() <= now) expired.splice(expired.end(), waiting_, at);
            at = next;
        }
    }
    for (const auto& one : expired)
        one->fail(one->out_of_time());
}

// Libcurl knows when those under way run out of time, not about those that wait.
int curl_fetcher::patience_ms() {
    constexpr auto longest = std::chrono::milliseconds(60'000);
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard hold(mutex_);
    if (stopped_) return 0;
    auto patience = longest;
    for (const auto& one : waiting_)
        patience = std::min(patience, std::chrono::ceil<std::chrono::milliseconds>(one->deadline() - now));
    return static_cast<int>(std::max(patience, std::chrono::milliseconds(0)).count());
}

void curl_fetcher::cancel_all() {
    while (!active_.empty())
        take_active(active_.front()->handle())->fail(errc::cancelled);
    transfer_list waiting;
    {
        const std::lock_guard hold(mutex_);
        waiting.swap(waiting_);
    }
    for (const auto& one : waiting)
        one->fail(errc::cancelled);
}

void curl_fetcher::stop() {
    {
        const std::lock_guard hold(mutex_);
        stopped_ = true;
    }
    thread_.request_stop();
    curl_multi_wakeup(multi_.get());
    if (thread_.joinable()) thread_.join();
}

}  // namespace

std::unique_ptr<fetcher> make_fetcher(fetcher_options options) {
    return std::make_unique<curl_fetcher>(std::move(options));
}

}  // namespace instatunnel::fetch
