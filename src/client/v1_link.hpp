#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/connection.hpp"
#include "instatunnel/v1/message.hpp"
#include "instatunnel/v1/web_socket.hpp"
#include "v1_request.hpp"
#include "v1_tunnel.hpp"

namespace instatunnel::client {

class v1_link_events {
public:
    /// The link has ended, or could not be made.
    virtual void on_link_failed(const failure& why) = 0;
    /// It is over as the tunnel wanted, or as the session has told.
    virtual void on_link_gone() = 0;

protected:
    ~v1_link_events() = default;
};

/// A connection to a v1 server that looks like an edge to the tunnel: it answers HELLO with WELCOME once the server is
/// ready, and opens a stream for every request that the server sends.
///
///     tunnel == ITP, socket pair == v1_link == WebSocket == server
class v1_link final : public net::retirable,
                      public net::connection_events,
                      public engine::session_events,
                      public v1::socket_events,
                      private net::deferred {
public:
    static constexpr std::uint32_t tunnel_number = 1;
    static constexpr std::size_t max_body = 16 * 1024 * 1024;
    static constexpr std::size_t max_held = 64 * 1024 * 1024;
    static constexpr std::size_t max_waiting = 8192;  ///< answers that the server does not take

    struct server_name {
        std::string host;       ///< for the certificate
        std::string authority;  ///< for Host
        std::string shown;      ///< for people
    };

    /// Takes the connection and `ssl` over; keeps itself on the loop until abandon() or its end. `tunnel_end`: the
    /// tunnel's side of the pair.
    static outcome<v1_link*> begin(net::event_loop& loop, unique_fd to_server, SSL* ssl, server_name server,
                                   v1_place place, secret key, v1_link_events& events, unique_fd& tunnel_end);
    /// Nobody listens any more: it ends.
    void abandon();

    // For its requests.
    std::chrono::steady_clock::time_point now() const noexcept { return loop_.now(); }
    void send(std::unique_ptr<v1::message_source> text);
    void forget(v1_request& r);

    void on_connected() override;
    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;
    void write(std::string_view bytes) override;
    bool is_congested() const override;
    void on_text(std::string_view part) override;
    void on_text_end() override;
    void on_pong() override { pongs_ = true; }
    void on_closed(v1::close_code why, std::string_view reason) override;
    void on_open(engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) override;
    void on_hello(std::string_view json) override;
    void on_goaway(engine::code why, std::string_view text) override;
    void on_peer_error(engine::code why, std::string_view text) override;
    void on_violation(engine::code why, std::string_view rule) override;

private:
    struct tunnel_side final : net::connection_events, engine::session_output {
        explicit tunnel_side(v1_link& l) : link(l) {}
        void on_readable() override { link.read_tunnel(); }
        void on_writable() override { link.session_.flush(); }
        void on_broken(errc) override { link.leave(); }
        void write(std::string_view bytes) override { link.inner_->write(bytes); }
        std::size_t queued() const override { return link.inner_ == nullptr ? 0 : link.inner_->queued(); }
        void request_flush() override { link.loop_.defer(link); }
        v1_link& link;
    };

    v1_link(net::event_loop& loop, server_name server, v1_place place, secret key, v1_link_events& events);
    void run_deferred() override;
    void read_tunnel();
    void read_upgrade(std::string_view bytes);
    void welcome_if_ready();
    void take_request();
    void send_pong();
    void say_goodbye();
    void fail(const failure& why);
    void leave();
    void on_tick();

    net::event_loop& loop_;
    server_name server_;
    v1_place place_;
    secret key_;
    v1_link_events* events_;
    std::string socket_key_;
    std::string head_;  ///< of the answer to the upgrade
    std::unique_ptr<net::connection> server_conn_;
    std::unique_ptr<net::connection> inner_;
    tunnel_side tunnel_side_;
    net::timer tick_;
    engine::chunk_pool chunks_;
    engine::session session_;
    std::unique_ptr<v1::web_socket> socket_;
    v1::message_reader reader_;
    std::shared_ptr<v1::byte_budget> budget_;
    std::unordered_map<std::string, std::unique_ptr<v1_request>> requests_;
    std::uint64_t next_request_ = 1;
    std::string ref_;
    std::chrono::steady_clock::time_point heard_;
    std::chrono::steady_clock::time_point pinged_;
    std::weak_ptr<void> pong_;  ///< lives as long as one waits to be sent
    bool in_message_ = false;
    bool hello_seen_ = false;
    bool ready_ = false;
    bool welcomed_ = false;
    bool stopping_ = false;
    bool closing_ = false;
    bool pongs_ = false;
    bool gone_ = false;
};

}  // namespace instatunnel::client
