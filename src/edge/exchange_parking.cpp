// Requests that wait for their tunnel. What they are made of is kept as it will travel: the visitor's connection goes
// on reading meanwhile, and no view into its buffers stays valid.

#include <algorithm>

#include "exchange.hpp"
#include "lane.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;

/// Its place among those who wait is given up with it.
struct exchange::waiting_request {
    waiting_request(std::shared_ptr<route> to, parked& who) : at(std::move(to)), spot(at->waiting.enter(who)) {}
    waiting_request(const waiting_request&) = delete;
    waiting_request& operator=(const waiting_request&) = delete;
    ~waiting_request() {
        at->waiting.leave(spot);
        at->waiting.let_go(held);
    }

    std::shared_ptr<route> at;
    parking::place spot;
    std::size_t held = 0;
    std::string head;  ///< the payload of OPEN
    std::string body;
    std::string trailers;  ///< the payload of TRAILERS
    std::uint8_t flags = 0;
    bool has_ended = false;
};

void exchange::no_waiting_request::operator()(waiting_request* w) const noexcept {
    delete w;
}

void exchange::refuse_reconnecting(std::string_view limit) {
    refuse(503, "tunnel_reconnecting", "The tunnel is not connected right now",
           "It usually comes back within seconds: try again.", /*is_last=*/!request_done_, limit);
}

void exchange::refuse_busy(std::string_view limit) {
    refuse(503, "too_many_streams", "The tunnel carries as many requests as it can right now", "Try again in a moment.",
           /*is_last=*/!request_done_, limit);
}

void exchange::park(const wire::itp::open_head& head, std::uint8_t flags) {
    auto& waiting = route_->waiting;
    const bool is_away = route_->via == nullptr;
    const auto& limits = w_.limits;
    auto patience = is_away ? limits.parked_wait : limits.reply_head;
    if (is_away) {
        const auto gone = std::chrono::duration_cast<std::chrono::milliseconds>(w_.loop.now() - route_->away_since);
        patience = std::min(patience, limits.hold - gone);
        if (patience.count() <= 0 || w_.draining) return refuse_reconnecting({});
        if (waiting.size() >= limits.parked) return refuse_reconnecting("parked");
    } else if (waiting.size() + route_->via->session().open_streams() >= limits.session.max_streams) {
        return refuse_busy("streams");
    }
    std::string encoded;
    wire::itp::encode_open(encoded, head);
    if (encoded.size() > wire::itp::max_head_size)
        return refuse(431, "head_too_large", "The request's fields are too large", {});
    if (waiting.bytes_held() + encoded.size() > engine::session::max_backlog) return refuse_busy("unaccepted");
    waiting_.reset(new waiting_request(route_, *this));
    waiting_->held = encoded.size();
    waiting.hold(encoded.size());
    waiting_->head = std::move(encoded);
    waiting_->flags = flags;
    arm(patience);
}

void exchange::park_body(std::string_view bytes) {
    auto& waiting = waiting_->at->waiting;
    if (waiting_->body.size() + bytes.size() > w_.limits.parked_body ||
        waiting.bytes_held() + bytes.size() > w_.limits.parked_body + engine::session::max_backlog) {
        waiting_.reset();
        return refuse_reconnecting("parked-body");
    }
    waiting.hold(bytes.size());
    waiting_->held += bytes.size();
    waiting_->body.append(bytes);
}

void exchange::park_end(const std::vector<wire::field>& trailers) {
    waiting_->has_ended = true;
    if (!trailers.empty()) wire::itp::encode_fields(waiting_->trailers, trailers);
}

bool exchange::set_out() {
    auto* via = waiting_->at->via;
    if (via == nullptr || via->session().opens_wait() || !via->session().can_open()) return false;
    const auto mine = std::exchange(waiting_, nullptr);
    auto& open = w_.open;
    // Written by encode_open() itself.
    if (!wire::itp::decode_open(mine->head, open)) {
        refuse(500, "internal", "The request could not be kept", "Try again.");
        return true;
    }
    open.tunnel = route_->number;
    stream_ = via->session().open(open, mine->flags, *this);
    if (stream_ == nullptr) {
        refuse_busy("streams");
        return true;
    }
    sent_to_tunnel();
    if (!mine->body.empty()) {
        route_->bytes_in += mine->body.size();
        stream_->write(mine->body, /*push=*/false);
    }
    if (mine->has_ended) {
        std::vector<wire::field> trailers;
        if (!mine->trailers.empty() && wire::itp::decode_fields(mine->trailers, trailers))
            stream_->send_trailers(trailers);
        stream_->finish();
    }
    on_set_out();
    return true;
}

void exchange::turn_away() {
    waiting_.reset();
    refuse_reconnecting({});
}

}  // namespace instatunnel::edge
