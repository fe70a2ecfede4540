#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "instatunnel/base/error.hpp"
#include "router.hpp"

namespace instatunnel::edge {

struct worker;

/// The public ports of tcp tunnels: each listens from the moment its tunnel is granted until the tunnel is gone for
/// good. While its client is away visitors are turned away.
class port_doors {
public:
    port_doors();
    ~port_doors();
    port_doors(const port_doors&) = delete;
    port_doors& operator=(const port_doors&) = delete;

    /// Address that the ports listen on; empty: all.
    void listen_on(std::string host) { host_ = std::move(host); }
    /// Errors: address_in_use and what open_listener says.
    outcome<void> open(worker& w, std::shared_ptr<route> to);
    /// Closes the doors of tunnels that `routes` does not hold any more.
    void close_unused(const router& routes);
    void close_all();

private:
    class door;
    std::string host_;
    std::map<std::uint16_t, std::unique_ptr<door>> doors_;
};

}  // namespace instatunnel::edge
