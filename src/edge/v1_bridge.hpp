#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/connection.hpp"
#include "instatunnel/v1/message.hpp"
#include "instatunnel/v1/web_socket.hpp"
#include "instatunnel/wire/http1.hpp"
#include "v1_exchange.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

/// What a v1 client asks for with the head of its upgrade.
struct v1_wish {
    std::string tunnel;  ///< host or name, or "#" and the number that creating it gave
    secret key;          ///< empty: it has none
    std::string socket_key;
};

/// The tunnel that a path of the v1 protocol names ("/tunnels/ID/connect", "/tunnels/subdomain/NAME/connect",
/// "/tunnels/domain/HOST/connect"), as v1_wish has it; empty for any other path.
std::string v1_tunnel_of(std::string_view path);
/// The rest of it. Nullopt: the head is no upgrade to a WebSocket (version 13).
std::optional<v1_wish> read_v1_wish(const wire::request_head& head, std::string tunnel);

/// Stands between a v1 client and a lane: to the lane it is an ITP client like any other, so that admission, routing,
/// counting and the gate are the lane's alone; to the client it speaks v1.
///
///     client == WebSocket == v1_bridge == socket pair, ITP == lane
///
/// The upgrade is answered when the lane has been: 101 after WELCOME, else the error.
class v1_bridge final : public net::retirable,
                        public net::connection_events,
                        public engine::session_events,
                        public v1::socket_events,
                        private net::deferred {
public:
    /// What a client may send before it is answered. It should wait (RFC 6455 §4.1); some do not.
    static constexpr std::size_t max_early = 16 * 1024;

    /// Takes the client's connection over, with what came behind the head.
    static void begin(worker& w, net::peer_name peer, std::unique_ptr<net::connection> client, v1_wish wish,
                      std::string_view early);
    ~v1_bridge() override;

    // For its exchanges.
    const edge_limits& limits() const noexcept { return w_.limits; }
    const std::shared_ptr<v1::byte_budget>& budget() const noexcept { return budget_; }
    bool is_short_of_memory() const noexcept { return w_.memory.is_full(); }
    void send(std::unique_ptr<v1::message_source> text);
    void forget(v1_exchange& e);

    // The client's connection.
    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;
    // Its WebSocket.
    void write(std::string_view bytes) override;
    bool is_congested() const override;
    void on_text(std::string_view part) override;
    void on_text_end() override;
    void on_pong() override {}
    void on_closed(v1::close_code why, std::string_view reason) override;
    // The session with the lane.
    void on_open(engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) override;
    void on_welcome(std::string_view json) override;
    void on_peer_error(engine::code why, std::string_view text) override;
    void on_goaway(engine::code why, std::string_view text) override;
    void on_violation(engine::code why, std::string_view rule) override;

private:
    /// The end of the socket pair: what the lane sends.
    struct lane_end final : net::connection_events, engine::session_output {
        explicit lane_end(v1_bridge& b) : bridge(b) {}
        void on_readable() override { bridge.read_lane(); }
        void on_writable() override { bridge.session_.flush(); }
        void on_broken(errc) override { bridge.lane_gone(); }
        void write(std::string_view bytes) override { bridge.inner_->write(bytes); }
        std::size_t queued() const override { return bridge.inner_ == nullptr ? 0 : bridge.inner_->queued(); }
        void request_flush() override { bridge.w_.loop.defer(bridge); }
        v1_bridge& bridge;
    };

    v1_bridge(worker& w, std::unique_ptr<net::connection> client, v1_wish wish);
    bool open_lane(net::peer_name peer);
    bool keep_early(std::string_view bytes);
    void send_pong();
    void run_deferred() override;
    void read_lane();
    void lane_gone();
    void refuse(engine::code why, std::string_view text);
    void take_message();
    void end(v1::close_code why, std::string_view reason);
    void leave();
    void on_tick();

    worker& w_;
    std::unique_ptr<net::connection> client_;
    std::unique_ptr<net::connection> inner_;
    lane_end lane_end_;
    v1_wish wish_;
    std::string early_;  ///< before the upgrade is answered
    net::timer tick_;
    engine::session session_;
    std::unique_ptr<v1::web_socket> socket_;  ///< after the upgrade
    v1::message_reader reader_;
    bool in_message_ = false;
    std::weak_ptr<void> pong_;  ///< lives as long as one waits to be sent
    std::shared_ptr<v1::byte_budget> budget_;
    std::unordered_map<std::string, std::unique_ptr<v1_exchange>> exchanges_;
    std::chrono::steady_clock::time_point heard_;
    std::chrono::steady_clock::time_point pinged_;
    bool draining_ = false;
    bool gone_ = false;
};

}  // namespace instatunnel::edge
