#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "exchange.hpp"
#include "head_pace.hpp"
#include "instatunnel/net/connection.hpp"
#include "instatunnel/wire/http1.hpp"
#include "visitor_connection.hpp"

namespace instatunnel::edge {

/// One HTTP/1.1 connection of a visitor: parses requests one after the other, gives each to the tunnel (or the API) of
/// its host, and writes replies back in order.
///
///     reading_head -> [reading_body ->] awaiting -> reading_head …      (keep-alive)
///                                        \-> upgraded                  (raw bytes both ways)
///     any -> closing                      (the last reply is leaving, or the connection broke)
///
/// A reply may begin while the request's body is still coming; the request is over when both have ended.
class visitor final : public visitor_connection, public net::connection_events, private exchange {
public:
    visitor(worker& w, net::peer_name peer, address_slot slot);
    void adopt(std::unique_ptr<net::connection> connection) override;
    void drain() override;
    void abort() override;
    bool is_busy() const noexcept override { return state_ != state::reading_head && state_ != state::closing; }

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

    void on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) override;
    void on_data(engine::stream&, std::string_view bytes) override;
    void on_trailers(engine::stream&, const std::vector<wire::field>& fields) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream& s, engine::code why, std::string_view text) override;
    void on_stop(engine::stream&) override;
    void on_drained(engine::stream&) override;
    void on_accepted(engine::stream&) override {}

private:
    enum class state : std::uint8_t { reading_head, reading_body, awaiting, upgraded, closing };

    void consume(std::string_view bytes);
    std::size_t consume_step(std::string_view bytes);
    std::size_t consume_head(std::string_view bytes);
    std::size_t consume_body(std::string_view bytes);
    std::span<char> large_body_room();
    std::size_t consume_chunked(std::string_view bytes);
    void request_complete();
    void input_ended();

    void dispatch(const wire::request_head& head);
    void on_unread_reply();

    void write_reply_part(std::string_view bytes);
    void answer(const edge_answer& a) override;
    void cut(engine::code why) override;
    void send_continue() override;
    void exchange_over();
    void close(bool cleanly);
    void leave();
    void on_timer() override;
    void on_set_out() override;
    bool become_client(const net::peer_name& peer, v1_wish&& wish) override;

    std::unique_ptr<net::connection> conn_;
    state state_ = state::reading_head;
    std::string input_;             ///< unread beginning of a head, or pipelined bytes
    std::string_view behind_head_;  ///< read together with the head, while it is dispatched
    std::size_t head_seen_ = 0;
    head_pace pace_;
    bool reading_paused_ = false;
    bool input_over_ = false;
    bool in_consume_ = false;
    bool may_be_idle_ = false;
    unsigned requests_here_ = 0;
    std::size_t unread_reply_ = 0;

    // The request under way.
    wire::chunked_decoder chunked_;
    std::uint64_t body_left_ = 0;
    wire::body_kind body_ = wire::body_kind::none;
    bool keep_alive_ = true;
    std::string trailers_;
};

}  // namespace instatunnel::edge
