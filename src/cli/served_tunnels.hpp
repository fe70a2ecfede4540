#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "instatunnel/client/recording.hpp"
#include "instatunnel/client/replay.hpp"
#include "instatunnel/client/tunnel.hpp"

namespace instatunnel::cli {

/// Tunnels that somebody else's calls open and close, each on a thread of its own, and one recording of what comes
/// through all of them. For any thread.
class served_tunnels {
public:
    static constexpr std::size_t max_tunnels = 16;

    struct shown {
        std::string name;
        std::string url;
        std::string target;
        std::string state;  ///< "online", "reconnecting", "ended"
        std::string why;    ///< it ended or reconnects
        std::uint64_t requests = 0;
    };

    served_tunnels();
    /// Closes all. No call may be under way.
    ~served_tunnels();

    /// Waits until the tunnel is open, at most `limit`. Errors: those of a tunnel; cancelled after `stop`; plan_limit
    /// beyond max_tunnels.
    outcome<shown> open(client::tunnel_options options, std::chrono::milliseconds limit, const std::stop_token& stop);
    std::vector<shown> list() const;
    /// By name or URL. What came through it stays in the recording. Errors: not_found.
    outcome<shown> close(const std::string& which);

    const client::recording& record() const noexcept { return record_; }
    /// Has the local program behind the tunnel of that name answer (see client::tunnel::replay). Errors: not_found when
    /// it is not open.
    outcome<client::recorded> replay(client::replay_request what, std::chrono::milliseconds limit,
                                     const std::stop_token& stop);

private:
    class held;
    struct place_taken;
    client::recording record_;
    mutable std::mutex guard_;
    // Shared with calls that use one while another closes it.
    std::vector<std::shared_ptr<held>> all_;
    std::size_t opening_ = 0;
};

}  // namespace instatunnel::cli
