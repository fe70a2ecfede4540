#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gate.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/connection.hpp"
#include "mcp_guard.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

/// How a failure is called on the wire.
engine::code code_for(errc why);

/// What the client is told of it: what happened and, behind a line break, what to do. Of faults of this machine only
/// that there was one.
std::string words_for(const failure& why);

/// The edge's end of one tunnel client's connection: waits for HELLO, has the claim checked, then carries the session.
class lane final : public net::retirable,
                   public net::connection_events,
                   public engine::session_output,
                   public engine::session_events,
                   private net::deferred {
public:
    lane(worker& w, net::peer_name peer);
    ~lane() override;
    void adopt(std::unique_ptr<net::connection> connection);

    engine::session& session() noexcept { return session_; }
    const std::shared_ptr<route>& served() const noexcept { return route_; }
    /// Ends it; the client is told `why` and prints `text`.
    void end(engine::code why, std::string_view text);
    /// No new requests: the client may look for another edge, what is under way goes on.
    void drain();

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

    void write(std::string_view bytes) override { conn_->write(bytes); }
    std::size_t queued() const override { return conn_->queued(); }
    void request_flush() override { w_.loop.defer(*this); }

    void on_open(engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) override;
    void on_hello(std::string_view json) override;
    void on_peer_error(engine::code why, std::string_view text) override;
    void on_goaway(engine::code why, std::string_view text) override;
    void on_violation(engine::code why, std::string_view rule) override;

private:
    void run_deferred() override;
    void admitted(outcome<service::granted_tunnel> granted, std::string ref);
    bool is_replaced(const service::granted_tunnel& granted) const;
    /// Errors: address_in_use (the port of a tcp tunnel).
    outcome<void> take_route(service::granted_tunnel granted);
    void report_usage();
    void lost(std::string_view why);
    void take_off_line();
    void leave();
    void on_tick();

    worker& w_;
    net::peer_name peer_;
    std::unique_ptr<net::connection> conn_;
    net::timer tick_;
    engine::session session_;
    std::shared_ptr<route> route_;
    std::shared_ptr<lane*> ticket_;
    std::string target_;
    wire::itp::stream_kind kind_ = wire::itp::stream_kind::http;
    gate_wish access_;  ///< until the tunnel is granted
    mcp_wish mcp_wish_;
    bool mcp_ = false;
    std::string instance_;
    bool hello_seen_ = false;
    bool resumed_ = false;
    bool counted_ = true;
    bool closing_ = false;
    bool for_good_ = false;  ///< the client stops or is turned away: it will not reconnect
};

}  // namespace instatunnel::edge
