#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "instatunnel/base/latency_histogram.hpp"
#include "instatunnel/service/service.hpp"
#include "instatunnel/wire/itp_head.hpp"

namespace instatunnel::edge {

class gate;
class lane;

/// A tunnel that is, or a moment ago was, connected to this edge.
struct route {
    service::granted_tunnel tunnel;
    wire::itp::stream_kind kind = wire::itp::stream_kind::http;
    std::uint32_t number = 0;           ///< id inside sessions
    lane* via = nullptr;                ///< null while its client is away
    std::shared_ptr<const gate> guard;  ///< asks visitors for a password; null: everybody may come
    std::string instance;
    std::string target;
    std::string key_id;
    std::chrono::steady_clock::time_point away_since{};
    std::int64_t connected_at_us = 0;
    std::chrono::steady_clock::time_point last_request{};  ///< meaningful once there was one
    latency_histogram latency;                             ///< from a request's head to that of its reply
    std::shared_ptr<const service::logged_tunnel> logged;  ///< of requests in the log
    std::uint64_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t reported_requests = 0;  ///< what the service knows already
    std::uint64_t reported_in = 0;
    std::uint64_t reported_out = 0;
};

/// Hosts to tunnels, on one worker. Shared: a request that is under way keeps the route it counts on.
class router {
public:
    std::shared_ptr<route> find(std::string_view host) const {
        const auto found = by_host_.find(host);
        return found == by_host_.end() ? nullptr : found->second;
    }
    void insert(std::shared_ptr<route> r) {
        auto& place = by_host_[r->tunnel.host];
        if (place != nullptr) count(*place, -1);
        count(*r, 1);
        place = std::move(r);
    }
    /// The tunnel will not come back by itself: visitors are told so at once.
    void remove(const route& r) {
        const auto found = by_host_.find(r.tunnel.host);
        if (found == by_host_.end() || found->second.get() != &r) return;
        count(r, -1);
        by_host_.erase(found);
    }
    /// Forgets routes whose client did not come back for `hold`: until then their visitors are told to come back
    /// instead of that there is no such tunnel.
    void expire(std::chrono::steady_clock::time_point now, std::chrono::milliseconds hold) {
        std::erase_if(by_host_, [&](const auto& entry) {
            const auto& r = *entry.second;
            const bool is_over = r.via == nullptr && now - r.away_since > hold;
            if (is_over) count(r, -1);
            return is_over;
        });
    }
    bool holds(const route& r) const { return find(r.tunnel.host).get() == &r; }
    /// Whether some host's connections are passed on without being decrypted.
    bool has_tls() const noexcept { return tls_ != 0; }
    template <class Visit>
    void each(Visit visit) const {
        for (const auto& [host, r] : by_host_)
            visit(*r);
    }

private:
    struct hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
    };
    void count(const route& r, int by) noexcept {
        if (r.kind == wire::itp::stream_kind::tls) tls_ += static_cast<std::size_t>(by);
    }

    std::unordered_map<std::string, std::shared_ptr<route>, hash, std::equal_to<>> by_host_;
    std::size_t tls_ = 0;
};

}  // namespace instatunnel::edge
