#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>

#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/listener.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

/// Which door a connection has come through.
struct entrance {
    SSL_CTX* context = nullptr;    ///< the edge's own port
    std::shared_ptr<route> leads;  ///< the port of a tcp tunnel
};

/// A connection of which no byte has been taken yet. It reads what a load balancer in front of the edge says about the
/// visitor (PROXY protocol), and looks into the ClientHello where tunnels exist that are to get it undecrypted, or
/// where the edge has room for tunnel clients alone; then greeting or raw_visitor takes over. Where nothing of it is
/// needed nobody waits here.
class doorstep final : public net::retirable, private net::io_slot {
public:
    /// Counts the visitor and lets it in, or closes the connection.
    static void begin(worker& w, unique_fd fd, entrance through);

private:
    enum class step : std::uint8_t { proxy_header, client_hello };

    doorstep(worker& w, unique_fd fd, net::peer_name peer, entrance through);
    ~doorstep() override;
    void on_io(std::uint32_t events) override;
    /// False: more bytes are needed, or it is over.
    bool read_proxy_header();
    void read_client_hello();
    /// What has come, without taking it. Empty: nothing yet, or the connection is over and was left.
    std::string_view peek();
    void enter(std::shared_ptr<route> raw);
    void leave();

    worker& w_;
    unique_fd fd_;
    net::peer_name peer_;
    net::peer_name local_;
    entrance through_;
    std::optional<address_slot> slot_;
    net::timer timer_;
    step step_ = step::client_hello;
    std::string_view full_;  ///< limit that leaves no room for visitors: only tunnel clients come in
    std::string joined_;
    bool left_ = false;
};

}  // namespace instatunnel::edge
