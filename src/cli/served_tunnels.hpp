#pragma once

#include <memory>
#include <string>
#include <vector>

#include "instatunnel/client/tunnel.hpp"

namespace instatunnel::cli {

/// Tunnels that somebody else's calls open and close, each on a thread of its own. One thread calls it.
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
    /// Closes all.
    ~served_tunnels();

    /// Waits until the tunnel is open, at most `limit`. Errors: those of a tunnel; plan_limit beyond max_tunnels.
    outcome<shown> open(client::tunnel_options options, std::chrono::milliseconds limit);
    std::vector<shown> list() const;
    /// By name or URL. Errors: not_found.
    outcome<shown> close(const std::string& which);

private:
    class held;
    std::vector<std::unique_ptr<held>> all_;
};

}  // namespace instatunnel::cli
