#pragma once

#include <memory>

#include "instatunnel/net/connection.hpp"
#include "instatunnel/net/listener.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

/// Protocols that this edge speaks, in ALPN's words (RFC 7301).
inline constexpr std::string_view alpn_tunnel = "itp/1";
inline constexpr std::string_view alpn_http2 = "h2";
inline constexpr std::string_view alpn_http1 = "http/1.1";

/// Whether a list in ALPN's wire form (RFC 7301 §3.1) names `protocol`.
bool offers(std::string_view list, std::string_view protocol) noexcept;

/// The edge's choice among a client's offer (wire form); empty: none.
std::string_view choose_alpn(std::string_view offered);

/// A connection during its TLS handshake: bounded in time, then handed to a visitor or a lane by ALPN.
class greeting final : public net::retirable, public net::connection_events {
public:
    /// Starts the handshake; owns itself.
    static void begin(worker& w, unique_fd fd, net::peer_name peer, address_slot slot, SSL_CTX* context);

    void on_connected() override;
    void on_readable() override {}
    void on_broken(errc why) override;

private:
    greeting(worker& w, net::peer_name peer, address_slot slot);
    ~greeting() override;
    void on_timer();
    void leave();

    worker& w_;
    net::peer_name peer_;
    address_slot slot_;
    std::unique_ptr<net::connection> conn_;
    net::timer timer_;
    bool hello_seen_ = false;
};

}  // namespace instatunnel::edge
