#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "head_pace.hpp"
#include "http2_exchange.hpp"
#include "http2_session.hpp"
#include "instatunnel/net/connection.hpp"
#include "visitor_connection.hpp"

namespace instatunnel::edge {

/// One HTTP/2 connection of a visitor: its exchanges run side by side, each on a stream of the tunnel of its own.
class http2_visitor final : public visitor_connection,
                            public net::connection_events,
                            private http2_owner,
                            private http2_connection,
                            private net::deferred {
public:
    http2_visitor(worker& w, net::peer_name peer, address_slot slot);
    ~http2_visitor() override;
    void adopt(std::unique_ptr<net::connection> connection) override;
    /// GOAWAY twice: first asks for no new requests, a second later it names the last that is served (RFC 9113 §6.8).
    void drain() override;
    void abort() override;
    bool is_busy() const noexcept override { return !exchanges_.empty() || says_goodbye_; }

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

private:
    void write(std::string_view bytes) override { conn_->write(bytes); }
    bool is_congested() const override { return conn_ == nullptr || conn_->is_congested(); }
    auth::steady_time now() const override { return w_.loop.now(); }
    http2_stream* on_request() override;
    void on_head(http2_stream& s, http2_head& head, bool ended) override;
    void request_flush() override { w_.loop.defer(*this); }
    http2_session& session() override { return *session_; }
    void ended(http2_exchange& e) override;
    void run_deferred() override;

    void settle();
    void on_idle_timer();
    void on_drain_timer();
    void close(bool cleanly);

    worker& w_;
    std::unique_ptr<net::connection> conn_;
    std::unique_ptr<http2_session> session_;
    std::vector<std::unique_ptr<http2_exchange>> exchanges_;
    std::vector<std::unique_ptr<http2_exchange>> ended_;  ///< until the end of the turn
    net::timer idle_;
    net::timer buffers_;  ///< until the TLS buffers of a silent connection are given back
    net::timer goodbye_;
    unsigned requests_here_ = 0;
    std::size_t unread_reply_ = 0;
    head_pace pace_;  ///< of a field section that comes in pieces
    std::uint64_t bytes_read_ = 0;
    bool section_timed_ = false;
    bool reading_paused_ = false;
    bool draining_ = false;
    bool says_goodbye_ = false;
};

}  // namespace instatunnel::edge
