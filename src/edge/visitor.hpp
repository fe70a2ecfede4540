#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gate.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/connection.hpp"
#include "instatunnel/wire/http1.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

/// One HTTP/1.1 connection of a visitor: parses requests one after the other, gives each to the tunnel (or the API) of
/// its host, and writes replies back in order.
///
///     reading_head -> [reading_body ->] awaiting -> reading_head …      (keep-alive)
///                                        \-> upgraded                  (raw bytes both ways)
///     any -> closing                      (the last reply is leaving, or the connection broke)
///
/// A reply may begin while the request's body is still coming; the request is over when both have ended.
class visitor final : public net::retirable, public net::connection_events, public engine::stream_events {
public:
    visitor(worker& w, net::peer_name peer, address_slot slot);
    ~visitor() override;
    /// Starts serving an established connection.
    void adopt(std::unique_ptr<net::connection> connection);
    /// No new request is taken; closes now if none is under way.
    void drain();
    /// Cuts what is under way (the drain's time is over).
    void abort();
    bool is_busy() const noexcept { return state_ != state::reading_head && state_ != state::closing; }

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

    void on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) override;
    void on_data(engine::stream&, std::string_view bytes) override;
    void on_trailers(engine::stream&, const std::vector<wire::field>& fields) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_stop(engine::stream&) override;
    void on_drained(engine::stream&) override;
    void on_accepted(engine::stream&) override;

private:
    enum class state : std::uint8_t { reading_head, reading_body, awaiting, upgraded, closing };

    void consume(std::string_view bytes);
    std::size_t consume_step(std::string_view bytes);
    std::size_t consume_head(std::string_view bytes);
    std::size_t consume_body(std::string_view bytes);
    std::size_t consume_chunked(std::string_view bytes);
    void forward_body(std::string_view bytes);
    void request_complete();
    void input_ended();

    void dispatch(const wire::request_head& head);
    void start_tunnel_request(const wire::request_head& head, const std::shared_ptr<route>& to);
    void start_api_request(const wire::request_head& head);
    void finish_api_request();
    bool pass_guard(const wire::request_head& head, const route& to, gate::proof& shown);
    auth::token_bucket& gate_tries(const route& to);
    void send_response(const service::api_response& response, bool keep);
    void refuse_api_body();
    void on_unread_reply();
    void serve_base_page(const wire::request_head& head);
    bool certificate_covers(std::string_view host);

    void write_reply_part(std::string_view bytes);
    void reply_ended();
    void refuse(int status, std::string_view code_name, std::string_view message, std::string_view hint, bool keep);
    void send_simple(int status, std::string_view content_type, std::string_view body, std::string_view extra_fields,
                     bool keep);
    void fail_stream(engine::code why, std::string_view text);
    void drop_stream();
    void exchange_over();
    void close(bool cleanly);
    void leave();
    void arm(std::chrono::milliseconds limit) { timer_.arm(limit); }
    void on_timeout();

    worker& w_;
    net::peer_name peer_;
    address_slot slot_;
    arrival arrival_;
    std::unique_ptr<net::connection> conn_;
    std::string asked_host_;  ///< SNI
    net::timer timer_;
    state state_ = state::reading_head;
    std::string input_;  ///< unread beginning of a head, or pipelined bytes
    std::size_t head_seen_ = 0;
    bool reading_paused_ = false;
    bool input_over_ = false;
    bool in_consume_ = false;
    bool may_be_idle_ = false;
    unsigned requests_here_ = 0;
    std::size_t unread_reply_ = 0;

    // The request under way.
    engine::stream* stream_ = nullptr;
    std::shared_ptr<route> route_;
    std::shared_ptr<visitor*> api_ticket_;  ///< lets an answer of another thread find out that we are gone
    std::unique_ptr<service::api_request> api_request_;
    std::string api_body_;  ///< may hold a password: moved into a secret or wiped
    wire::chunked_decoder chunked_;
    std::uint64_t request_id_ = 0;
    std::uint64_t body_left_ = 0;
    std::uint64_t body_seen_ = 0;  ///< in the current body_window
    wire::body_kind body_ = wire::body_kind::none;
    std::string accept_;    ///< the visitor's Accept, for error pages
    std::string protocol_;  ///< Upgrade asked for
    bool http10_ = false;
    bool head_request_ = false;
    bool keep_alive_ = true;
    bool continue_pending_ = false;
    bool request_done_ = true;
    bool reply_started_ = false;
    bool reply_done_ = true;
    bool event_stream_ = false;
    reply_framing framing_ = reply_framing::none;
    std::uint64_t reply_left_ = 0;
    std::size_t owed_ = 0;  ///< reply bytes queued here for which the tunnel has no credit back yet
    std::string trailers_;
};

}  // namespace instatunnel::edge
