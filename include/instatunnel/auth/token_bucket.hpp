#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace instatunnel::auth {

using steady_time = std::chrono::steady_clock::time_point;

/// `capacity` tries at once, then one every `interval`: over a long time no more than that rate, but up to twice
/// `capacity` in one stretch of capacity * interval.
/// `strict`: never more than `capacity` in any such stretch, at the price of remembering when each try was. For
/// guesses.
struct bucket_rule {
    double capacity;
    std::chrono::duration<double> interval;
    bool strict = false;

    static constexpr bucket_rule per_minute(double tries) {
        return {tries, std::chrono::duration<double>(60.0 / tries)};
    }
    /// Strict up to a thousand: whoever allows more guesses than that fears none.
    static constexpr bucket_rule in_any_minute(double tries) {
        return {tries, std::chrono::duration<double>(60.0 / tries), tries <= 1000};
    }
};

/// One token bucket. Pure: the caller says what time it is.
class token_bucket {
public:
    token_bucket(bucket_rule rule, steady_time now) : rule_(rule), tokens_(rule.capacity), at_(now) {}

    /// Takes a token if there is one.
    bool take(steady_time now);
    /// Gives back what take() took, because it turned out not to count.
    void give_back(steady_time now);
    /// How many times in a row take() would succeed now.
    std::uint64_t left(steady_time now);
    /// Until take() would succeed; zero if it would now.
    std::chrono::milliseconds wait(steady_time now);
    /// Until all of it is back.
    std::chrono::milliseconds until_full(steady_time now);

private:
    void refill(steady_time now);
    steady_time::duration stretch() const;

    bucket_rule rule_;
    double tokens_;
    steady_time at_;
    std::vector<steady_time> taken_;  ///< strict: within the last stretch, oldest first
};

/// A bucket for each of many names (addresses, keys, emails). Holds at most `limit` of them: beyond, the one that was
/// asked for longest ago is forgotten, so memory stays bounded whoever calls.
class bucket_table {
public:
    bucket_table(bucket_rule rule, std::size_t limit) : rule_(rule), limit_(limit) {}

    token_bucket& at(std::string_view name, steady_time now);
    std::size_t size() const noexcept { return buckets_.size(); }

private:
    struct entry {
        std::string name;
        token_bucket bucket;
    };
    bucket_rule rule_;
    std::size_t limit_;
    std::list<entry> order_;  // last used first
    std::unordered_map<std::string_view, std::list<entry>::iterator> buckets_;
};

/// The name under which an address is limited: IPv4 as it is, IPv6 by its /64, which one subscriber owns whole.
std::string address_group(std::string_view address);
/// 127.0.0.0/8, ::1 and their IPv4-mapped forms.
bool is_loopback(std::string_view address);

}  // namespace instatunnel::auth
