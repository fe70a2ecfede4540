#pragma once

#include <memory>

#include "instatunnel/relay/pipe.hpp"
#include "parking.hpp"
#include "visitor_connection.hpp"

namespace instatunnel::edge {

/// A visitor's connection to a tcp or tls tunnel: its bytes travel as they are. It goes on for as long as both ends
/// want and one of them says something within an hour.
class raw_visitor final : public visitor_connection, private relay::pipe_owner, private parked {
public:
    /// `local`: where the visitor has connected to.
    static void begin(worker& w, unique_fd fd, net::peer_name peer, const net::peer_name& local, address_slot slot,
                      std::shared_ptr<route> to);

    void adopt(std::unique_ptr<net::connection> connection) override;
    /// What is under way may take hours: the drain waits for it until its time is over.
    void drain() override {}
    void abort() override;
    bool is_busy() const noexcept override { return is_waiting_ || !pipe_.is_over(); }

private:
    raw_visitor(worker& w, net::peer_name peer, const net::peer_name& local, address_slot slot,
                std::shared_ptr<route> to);
    /// Waits, unread, for the tunnel's client. False: it may not.
    bool park(unique_fd& fd);
    void open(unique_fd fd);
    void stop_waiting();
    bool set_out() override;
    void turn_away() override;
    void on_pipe_over(relay::pipe_end how, engine::code why, std::string_view text) override;
    void on_pipe_accepted() override;
    void on_pipe_moved(std::size_t from_visitor, std::size_t to_visitor) override;
    void on_timer();
    void leave();

    worker& w_;
    std::shared_ptr<route> route_;
    net::peer_name local_;
    net::timer timer_;
    relay::pipe pipe_;
    unique_fd waiting_;
    parking::place spot_;
    bool is_waiting_ = false;
    bool accepted_ = false;
};

/// Turns a visitor away who came for `to`: with an alert where TLS is spoken (RFC 8446 §6.2), else with a reset.
void turn_away(unique_fd fd, const route& to);

}  // namespace instatunnel::edge
