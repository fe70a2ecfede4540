#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/wire/request_filter.hpp"

namespace instatunnel::service {

/// Whose a request was. Shared by all requests of a tunnel that is connected.
struct logged_tunnel {
    std::string account_id;
    std::string tunnel_id;
    std::string name;
};

/// One request as its tunnel's owner may see it: no query (it may hold secrets), no fields, no body, no address. Of one
/// size, so that keeping it takes no memory of its own.
struct logged_request {
    static constexpr std::size_t max_method = 10;
    static constexpr std::size_t max_path = 129;

    std::shared_ptr<const logged_tunnel> of;
    std::int64_t began_us = 0;    ///< since 1970
    std::uint64_t took_us = 0;    ///< to the end of the reply
    std::uint64_t bytes_in = 0;   ///< of the body
    std::uint64_t bytes_out = 0;  ///< of the reply's body
    std::uint16_t status = 0;     ///< 0: the visitor left before there was one
    bool is_whole = false;        ///< the reply came to its end
    bool is_cut = false;          ///< the path is longer than what is kept
    std::uint8_t method_size = 0;
    std::uint8_t path_size = 0;
    std::array<char, max_method> method_text;
    std::array<char, max_path> path_text;

    std::string_view method() const noexcept { return {method_text.data(), method_size}; }
    std::string_view path() const noexcept { return {path_text.data(), path_size}; }
    /// Cuts both to what is kept; of `target` what stands before the query.
    void name(std::string_view method, std::string_view target) noexcept;
};

/// The last requests of all tunnels of an edge, in memory; the oldest is lost first. For any thread: the edge adds, the
/// service reads a little at a time, so that adding waits for some microseconds at most.
class request_log {
public:
    static constexpr std::size_t capacity = 64 * 1024;

    struct filter {
        std::string account_id;
        std::string tunnel_id;               ///< empty: all of the account's
        std::optional<std::uint64_t> after;  ///< a position that a page gave; nullopt: the newest are wanted
        std::int64_t since_us = 0;
        std::optional<wire::status_set> statuses;
        std::optional<wire::path_pattern> paths;
        std::size_t limit = 100;
    };
    struct page {
        std::vector<logged_request> requests;  ///< oldest first
        std::uint64_t next = 0;                ///< ask with it for those that come after
        bool has_gap = false;                  ///< some that came after `filter::after` may have been lost
    };

    request_log() = default;
    request_log(const request_log&) = delete;
    request_log& operator=(const request_log&) = delete;

    /// Allocates only until the log has once been full, a thousand requests at a time. Without memory the request is
    /// left out.
    void add(const logged_request& request) noexcept;
    page find(const filter& wanted) const;

    /// `heard` is called by the add() that follows, once, on its thread. Not while another one waits to be.
    void call_at_next(std::function<void()> heard);

private:
    static constexpr std::size_t block_size = 1024;
    using block = std::array<logged_request, block_size>;

    const logged_request& at(std::uint64_t number) const noexcept;
    std::uint64_t oldest() const noexcept { return end_ > capacity ? end_ - capacity : 0; }
    static bool fits(const logged_request& request, const filter& wanted);
    page find_after(const filter& wanted, std::uint64_t position) const;
    page find_newest(const filter& wanted) const;

    mutable std::mutex mutex_;
    std::uint64_t end_ = 0;  ///< requests there ever were
    std::array<std::unique_ptr<block>, capacity / block_size> blocks_;
    std::function<void()> heard_;
};

}  // namespace instatunnel::service
