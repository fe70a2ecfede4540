#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gate.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/wire/http1.hpp"
#include "mcp_guard.hpp"
#include "owned_head.hpp"
#include "parking.hpp"
#include "visitor_passes.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

struct v1_wish;

/// What all requests on one visitor's connection have in common.
struct visitor_origin {
    net::peer_name peer;
    arrival from;
    std::string asked_host;  ///< SNI; empty: none
    SSL* ssl = nullptr;      ///< lives as long as the connection
    bool is_proxy = false;   ///< a trusted one: its forwarding fields say who the visitor is
};

/// A whole answer that the edge itself makes. Views: read during exchange::answer() only.
struct edge_answer {
    int status = 200;
    std::string_view content_type;  ///< empty: none is told
    std::string_view body;
    std::span<const wire::field> extra_fields;
    bool is_last = false;  ///< HTTP/1: the connection is of no use afterwards
};

/// One request of a visitor and its reply, whichever HTTP version carries them: finds the tunnel (or the API, or the
/// base page) of its host, opens the stream, keeps the time limits, and says what the visitor is told when it fails. A
/// front end derives from it, parses and writes, and gets the tunnel's events itself: nothing stands between the
/// tunnel's bytes and the visitor's connection.
class exchange : public engine::stream_events, public pass_holder, private parked {
public:
    void on_pass_ended() override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;

protected:
    exchange(worker& w, const visitor_origin& origin);
    ~exchange();
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    // What a front end does for it.
    /// Writes the answer; the exchange is over. Called through give().
    virtual void answer(const edge_answer& a) = 0;
    /// The reply has begun and cannot be brought to its end: the visitor must see that it is not whole.
    virtual void cut(engine::code why) = 0;
    /// 100 Continue.
    virtual void send_continue() = 0;
    virtual void on_timer() = 0;
    /// A request that had waited is on its way: what was held back meanwhile may come.
    virtual void on_set_out() = 0;
    /// A v1 client's upgrade: the connection is no visitor's any more. False: it cannot be handed over.
    virtual bool become_client(const net::peer_name&, v1_wish&&) { return false; }

    /// Forgets the exchange before and sets out for the head of a new one. `version`: 10, 11, 20. `ended`: no body
    /// follows (or none that belongs to the request: an upgrade).
    void prepare(const wire::request_head& head, std::uint8_t version, bool ended);
    /// Sends a prepared request where its host says, or answers it.
    void serve(const wire::request_head& head);
    /// Bytes of the request's body, or of an upgraded connection (`push`).
    void forward_body(std::string_view bytes, bool push);
    /// Memory of the tunnel's to receive body bytes into, for a body of which only the size matters, then
    /// body_received(). Empty: the body goes through forward_body().
    std::span<char> body_room();
    void body_received(std::size_t bytes);
    /// The request's body has ended, with these trailers.
    void finish_request(std::vector<wire::field>& trailers);
    /// The app's final head: sets framing_ and all that follows from it. `plan` as for choose_framing().
    void begin_reply(const wire::itp::reply_head& head, const reply_plan& plan);
    /// What of these reply bytes the visitor gets. False: there are more than were announced.
    bool admit_reply(std::string_view& bytes) noexcept;
    /// A limit of the exchange has passed.
    void on_exchange_timeout();

    /// An error of the edge in the form that the visitor's Accept prefers. `limit`: the name of the one that was
    /// reached, as `serve --limit` knows it.
    void refuse(int status, std::string_view code_name, std::string_view message, std::string_view hint,
                bool is_last = false, std::string_view limit = {});
    /// The tunnel could not carry the exchange to its end.
    void fail_stream(engine::code why, std::string_view text);
    /// Bytes of a reply's body on their way to the visitor.
    void count_reply(std::size_t bytes) noexcept {
        route_->bytes_out += bytes;
        note_.bytes_out += bytes;
    }
    /// The app agreed to speak another protocol.
    void note_upgrade() noexcept;
    void drop_stream();
    /// Route, API call and texts go; what prepare() sets stays.
    void forget() noexcept;
    /// It waits for its tunnel, or for the service's word about its visitor. As little of its body should be read as
    /// can be.
    bool is_waiting() const noexcept { return held_ != nullptr; }
    void arm(std::chrono::milliseconds limit) { timer_.arm(limit); }
    /// A limit on how long the app or the visitor's body may take, which gRPC calls have none of: their length is the
    /// caller's to choose (grpc-timeout), and streams may be silent for as long as they like.
    void arm_wait(std::chrono::milliseconds limit) {
        if (!untimed_) timer_.arm(limit);
    }
    bool waits_for_app() const noexcept {
        return stream_ != nullptr && (stream_->is_congested() || stream_->queued() != 0);
    }

    worker& w_;
    const visitor_origin& origin_;
    net::timer timer_;
    engine::stream* stream_ = nullptr;
    std::shared_ptr<route> route_;
    std::uint64_t request_id_ = 0;
    std::uint64_t body_seen_ = 0;  ///< in the current body_window
    std::uint64_t body_size_ = 0;  ///< so far
    std::string accept_;           ///< the visitor's Accept, for error pages
    std::string protocol_;         ///< Upgrade asked for
    std::uint8_t version_ = 11;
    bool head_request_ = false;
    bool grpc_ = false;     ///< a gRPC call: errors are told as gRPC tells them
    bool untimed_ = false;  ///< a gRPC call on its way to an app
    bool patient_ = false;  ///< on its way to an MCP server: its reply is waited for as long as it takes
    bool continue_pending_ = false;
    bool request_done_ = true;
    bool reply_started_ = false;
    bool reply_done_ = true;
    bool event_stream_ = false;
    reply_framing framing_ = reply_framing::none;
    std::uint64_t reply_left_ = 0;
    std::size_t owed_ = 0;  ///< reply bytes queued here for which the tunnel has no credit back yet

private:
    void begin_note(const wire::request_head& head) noexcept;
    void note_reply(int status) noexcept;
    void end_note() noexcept;
    void give(const edge_answer& a);
    bool certificate_covers(std::string_view host);
    void hear_proxy(const wire::request_head& head);
    const visitor_origin& who() const noexcept { return told_ != nullptr ? *told_ : origin_; }
    void start_tunnel_request(const wire::request_head& head, const std::shared_ptr<route>& to);
    /// To be called once stream_ is open.
    void sent_to_tunnel();
    void refuse_reconnecting(std::string_view limit);
    void refuse_busy(std::string_view limit);
    void park(const wire::itp::open_head& head, std::uint8_t flags);
    void hold_body(std::string_view bytes);
    void hold_end(const std::vector<wire::field>& trailers);
    /// What came of it while it was held follows its head.
    void send_held();
    void on_held_timeout();
    bool set_out() override;
    void turn_away() override;
    void send_to_tunnel(const wire::request_head& head, gate::proof shown);
    void wait_for_reply();
    void start_api_request(const wire::request_head& head);
    bool start_v1_client(const wire::request_head& head);
    void finish_api_request();
    void refuse_api_body();
    void refuse_body();
    bool pass_guard(const wire::request_head& head, const route& to, gate::proof& shown);
    auth::token_bucket& gate_tries(const route& to);
    // exchange_mcp.cpp:
    bool pass_mcp_guard(const wire::request_head& head, const route& to);
    void ask_about_visitor(const wire::request_head& head, const route& to, std::string_view token, std::string key);
    void on_visitor_known(std::string key, const service::visitor_claim& claim,
                          const std::shared_ptr<const mcp_guard>& asked_by, const service::visitor_answer& known);
    void refuse_visitor(const service::api_response& refusal);
    void hold(std::shared_ptr<visitor_pass> pass);
    void leave_pass() noexcept;
    void answer_with(const service::api_response& response);
    void serve_base_page();
    void answer_call(int status, std::string_view code_name, std::string_view message, std::string_view hint,
                     std::string_view limit);

    /// One that is not on its way to the tunnel yet.
    struct held_request {
        explicit held_request(std::shared_ptr<route> to);
        ~held_request();
        held_request(const held_request&) = delete;
        held_request& operator=(const held_request&) = delete;
        /// Counts bytes that are kept.
        void hold(std::size_t bytes) noexcept;

        std::shared_ptr<route> at;
        std::unique_ptr<owned_head> question;  ///< the service is being asked about its visitor
        std::string open;                      ///< the payload of OPEN, for one that waits for the tunnel's client
        std::string body;
        std::string trailers;  ///< the payload of TRAILERS
        std::size_t held = 0;
        parking::place spot;  ///< if it is parked
        std::uint8_t flags = 0;
        bool is_parked = false;
        bool has_ended = false;
    };

    std::unique_ptr<held_request> held_;
    std::unique_ptr<visitor_origin> told_;   ///< who the visitor is, by a trusted proxy's word
    std::shared_ptr<exchange*> api_ticket_;  ///< lets an answer of another thread find out that we are gone
    std::unique_ptr<service::api_request> api_request_;
    std::shared_ptr<visitor_pass> pass_;  ///< by which it goes on
    std::string api_body_;                ///< may hold a password: moved into a secret or wiped
    service::logged_request note_;
    std::chrono::steady_clock::time_point began_;
    bool noted_ = false;  ///< it is under way to a tunnel, and will be in its log
};

}  // namespace instatunnel::edge
