#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/fetch/fetcher.hpp"

namespace instatunnel::oidc {

inline constexpr std::size_t max_answer = std::size_t{256} * 1024;
inline constexpr std::chrono::seconds answer_limit{5};

/// A GET of something of the provider's. The owner chose the provider, so it may live in a private network.
fetch::request ask_provider(const std::string& url);
/// The body of an answer with status 200. Errors: those of the fetcher, unexpected_reply.
outcome<secret> body_of(outcome<fetch::response> answer);

/// One document of the provider's: fetched once for all who ask at the same time, good for an hour. Safe for any
/// thread; calls back on the fetcher's thread, or before the call returns.
template <class T>
class document_cache : public std::enable_shared_from_this<document_cache<T>> {
public:
    using kept = std::shared_ptr<const T>;
    using reader = std::function<outcome<T>(std::string_view)>;
    using callback = std::function<void(outcome<kept>)>;

    document_cache(fetch::fetcher& by, std::function<wall_time()> now, reader read)
        : fetcher_(by), now_(std::move(now)), read_(std::move(read)) {}

    void get(const std::string& url, callback done) {
        if (auto good = fresh()) return done(std::move(good));
        fetch(url, std::move(done));
    }

    /// Fetches again although it is fresh, at most once a minute; in between: rate_limited.
    void get_newer(const std::string& url, callback done) {
        if (was_asked_within(std::chrono::minutes(1))) return done(failure(errc::rate_limited));
        fetch(url, std::move(done));
    }

private:
    static constexpr std::chrono::hours life_{1};
    static constexpr std::size_t max_waiting_ = 256;

    kept fresh() {
        const std::lock_guard hold(mutex_);
        const bool is_fresh = value_ && asked_at_ && now_() >= *asked_at_ && now_() < *asked_at_ + life_;
        return is_fresh ? value_ : nullptr;
    }

    bool was_asked_within(std::chrono::seconds span) {
        const std::lock_guard hold(mutex_);
        return asked_at_ && now_() >= *asked_at_ && now_() < *asked_at_ + span;
    }

    void fetch(const std::string& url, callback done) {
        {
            std::unique_lock hold(mutex_);
            if (waiting_.size() >= max_waiting_) {
                hold.unlock();
                return done(failure(errc::busy));
            }
            waiting_.push_back(std::move(done));
            if (waiting_.size() > 1) return;
            asked_at_ = now_();
        }
        auto started = fetcher_.start(ask_provider(url), [self = this->shared_from_this()](outcome<fetch::response> r) {
            self->settle(self->read(std::move(r)));
        });
        if (!started) settle(started.error());
    }

    outcome<kept> read(outcome<fetch::response> answer) {
        const auto body = body_of(std::move(answer));
        if (!body) return body.error();
        auto value = read_(body->reveal());
        if (!value) return value.error();
        return std::make_shared<const T>(std::move(*value));
    }

    void settle(const outcome<kept>& result) {
        std::vector<callback> waiting;
        {
            const std::lock_guard hold(mutex_);
            waiting.swap(waiting_);
            // A document that can no longer be had is not trusted for longer than it was good.
            if (result) value_ = *result;
        }
        for (const auto& one : waiting)
            one(result);
    }

    fetch::fetcher& fetcher_;
    const std::function<wall_time()> now_;
    const reader read_;
    std::mutex mutex_;
    kept value_;
    std::optional<wall_time> asked_at_;
    std::vector<callback> waiting_;
};

}  // namespace instatunnel::oidc
