#pragma once

#include <functional>
#include <string>
#include <vector>

#include "call.hpp"
#include "instatunnel/service/request_log.hpp"
#include "tuning.hpp"
#include "work_queue.hpp"

namespace instatunnel::service {

/// Calls that wait for requests to come: whoever follows a log asks again and again, and is answered when there is
/// something. All but release() and the wake-up on the service's thread.
class request_followers {
public:
    static constexpr std::size_t max_waiting = 256;
    static constexpr std::size_t max_of_account = 8;

    using answer = std::function<void(const call_ptr&, const request_log::page&)>;

    /// All of it outlives the followers; `log` must get no requests after them.
    request_followers(request_log& log, work_queue& queue, const tuning& settings);

    /// Answers `c` when a request fits `wanted` (which has a position), at the latest after `limit`. At once when too
    /// many wait already, or the edge is stopping.
    void follow(const call_ptr& c, request_log::filter wanted, std::chrono::seconds limit, answer done);
    /// Answers those for whom something came, and those whose time is up. Once a second at least.
    void look();
    /// The edge stops: nobody is waited for any more.
    void release();

private:
    struct follower {
        call_ptr asked;
        request_log::filter wanted;
        auth::steady_time until;
        answer done;
    };
    void listen();
    bool has_room(const std::string& account_id) const;

    request_log& log_;
    work_queue& queue_;
    const tuning& settings_;
    std::vector<follower> waiting_;
    auth::steady_time looked_{};
    bool released_ = false;
};

}  // namespace instatunnel::service
