#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exchange.hpp"
#include "http2_session.hpp"

namespace instatunnel::edge {

class http2_exchange;

/// The connection that an exchange is one of.
class http2_connection {
public:
    virtual http2_session& session() = 0;
    /// More waits for the visitor's socket than should.
    virtual bool is_congested() const = 0;
    /// The exchange is over on both sides: it is destroyed at the end of the turn.
    virtual void ended(http2_exchange& e) = 0;

protected:
    ~http2_connection() = default;
};

/// What a visitor is told with RST_STREAM when the tunnel ended a reply that had begun (RFC 9113 §7; for an upgraded
/// stream RFC 8441 §5).
std::uint32_t http2_reset_code(engine::code why, bool upgraded) noexcept;

/// One request of a visitor over HTTP/2: an exchange on a stream of its own.
///
///     head -> body -> (request ended)          on_body, on_body_end
///     head <- body <- (reply ended)            on_head, on_data, on_end
///     upgraded: bytes both ways after a 2xx    (extended CONNECT, RFC 8441)
class http2_exchange final : public exchange, public http2_stream {
public:
    http2_exchange(worker& w, const visitor_origin& origin, http2_connection& of) : exchange(w, origin), of_(of) {}

    /// Serves the request whose fields are in `head`, or answers it.
    void start(http2_head& head, bool ended);
    /// The connection is gone: nothing more is told.
    void abandon();
    /// What waited for the connection has left it.
    void on_writable();

    void on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) override;
    void on_data(engine::stream&, std::string_view bytes) override;
    void on_trailers(engine::stream&, const std::vector<wire::field>& fields) override;
    void on_end(engine::stream&) override;
    void on_stop(engine::stream&) override;
    void on_progress(engine::stream&) override { give_credit(); }

private:
    void on_body(std::string_view bytes) override;
    void on_body_end(std::vector<wire::field>& trailers) override;
    void on_taken(std::size_t bytes, bool waited) override;
    void on_reply_left() override;
    void on_closed(std::uint32_t error_code) override;

    void answer(const edge_answer& a) override;
    void cut(engine::code why) override;
    void send_continue() override;
    void on_timer() override;
    void on_unparked() override;

    http2_session& session() { return of_.session(); }
    void add_websocket_key(wire::request_head& head);
    bool accepts_websocket(const wire::itp::reply_head& head) const;
    void switch_protocols(const wire::itp::reply_head& head);
    void send_reply_head(int status, const wire::itp::reply_head& head, bool ended);
    void give_credit();
    void widen_window(std::size_t taken);

    friend class http2_visitor;
    http2_connection& of_;
    std::size_t place_ = 0;  ///< among the connection's exchanges
    std::string websocket_key_;
    std::string early_;  ///< bytes of an upgrade that came before the app agreed to it
    std::string held_;   ///< of the body, while the service is asked about the visitor
    std::vector<std::pair<std::string, std::string>> held_trailers_;
    bool held_end_ = false;
    std::uint64_t taken_ = 0;         ///< body bytes that were given back to the visitor's windows
    std::size_t uncredited_ = 0;      ///< body bytes that were not yet
    std::uint64_t taken_freely_ = 0;  ///< since the window grew last
    std::uint32_t window_ = 0;        ///< of the stream, for what the visitor sends
    bool connect_ = false;            ///< extended CONNECT
    bool upgraded_ = false;
    bool lingers_ = false;  ///< the reply has left, the request goes on
    bool input_over_ = false;
    bool stopped_ = false;
    bool closed_ = false;
};

}  // namespace instatunnel::edge
