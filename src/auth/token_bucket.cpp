#include "instatunnel/auth/token_bucket.hpp"

#include <algorithm>
#include <cmath>

namespace instatunnel::auth {
namespace {

// A token that came in many small parts must not be withheld for the rounding of their sum.
constexpr double whole_token = 1.0 - 1e-6;

}  // namespace

steady_time::duration token_bucket::stretch() const {
    return std::chrono::duration_cast<steady_time::duration>(rule_.interval * rule_.capacity);
}

void token_bucket::refill(steady_time now) {
    if (now <= at_) return;
    if (rule_.strict) {
        const auto since = now - stretch();
        std::erase_if(taken_, [&](steady_time t) { return t <= since; });
        tokens_ = rule_.capacity - static_cast<double>(taken_.size());
    } else {
        tokens_ = std::min(rule_.capacity, tokens_ + (now - at_) / rule_.interval);
    }
    at_ = now;
}

bool token_bucket::take(steady_time now) {
    refill(now);
    if (tokens_ < whole_token) return false;
    tokens_ = std::max(0.0, tokens_ - 1.0);
    if (rule_.strict) taken_.push_back(at_);
    return true;
}

void token_bucket::give_back(steady_time now) {
    refill(now);
    tokens_ = std::min(rule_.capacity, tokens_ + 1.0);
    if (!taken_.empty()) taken_.pop_back();
}

std::uint64_t token_bucket::left(steady_time now) {
    refill(now);
    return static_cast<std::uint64_t>(tokens_ + (1.0 - whole_token));
}

std::chrono::milliseconds token_bucket::wait(steady_time now) {
    refill(now);
    if (tokens_ >= whole_token) return std::chrono::milliseconds(0);
    if (rule_.strict) return std::chrono::ceil<std::chrono::milliseconds>(taken_.front() + stretch() - at_);
    const std::chrono::duration<double, std::milli> missing = (1.0 - tokens_) * rule_.interval;
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(missing.count())));
}

std::chrono::milliseconds token_bucket::until_full(steady_time now) {
    refill(now);
    if (rule_.strict) {
        if (taken_.empty()) return std::chrono::milliseconds(0);
        return std::chrono::ceil<std::chrono::milliseconds>(taken_.back() + stretch() - at_);
    }
    const std::chrono::duration<double, std::milli> missing = (rule_.capacity - tokens_) * rule_.interval;
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(missing.count())));
}

token_bucket& bucket_table::at(std::string_view name, steady_time now) {
    if (const auto known = buckets_.find(name); known != buckets_.end()) {
        order_.splice(order_.begin(), order_, known->second);
        return known->second->bucket;
    }
    if (buckets_.size() >= limit_) {
        buckets_.erase(order_.back().name);
        order_.pop_back();
    }
    order_.push_front({std::string(name), token_bucket(rule_, now)});
    buckets_.emplace(order_.front().name, order_.begin());
    return order_.front().bucket;
}

}  // namespace instatunnel::auth
