// Requests that are not on their way to the tunnel yet: their visitor is being asked about, or the tunnel's client is
// away or has enough to begin with. What they are made of is kept, since no view into the buffers of a connection stays
// valid.

#include <algorithm>

#include "exchange.hpp"
#include "lane.hpp"

namespace instatunnel::edge {

exchange::held_request::held_request(std::shared_ptr<route> to) : at(std::move(to)) {}

exchange::held_request::~held_request() {
    if (is_parked) at->waiting.leave(spot);
    at->waiting.let_go(held);
    at->waiting.let_go_body(body.size());
}

void exchange::held_request::hold(std::size_t bytes) noexcept {
    held += bytes;
    at->waiting.hold(bytes);
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
    if (held_ == nullptr) held_ = std::make_unique<held_request>(route_);
    held_->hold(encoded.size());
    held_->open = std::move(encoded);
    held_->flags = flags;
    held_->spot = waiting.enter(*this);
    held_->is_parked = true;
    arm(patience);
}

void exchange::hold_body(std::string_view bytes) {
    auto& waiting = held_->at->waiting;
    // Who waits for room in a tunnel that works fills one window and no more; that is not refused.
    const bool is_next = held_->question == nullptr && held_->at->via != nullptr;
    if (!is_next && waiting.bodies_held() + bytes.size() > w_.limits.parked_body) {
        held_.reset();
        return refuse_reconnecting("parked-body");
    }
    waiting.hold_body(bytes.size());
    held_->body.append(bytes);
}

void exchange::hold_end(const std::vector<wire::field>& trailers) {
    held_->has_ended = true;
    if (!trailers.empty()) wire::itp::encode_fields(held_->trailers, trailers);
}

bool exchange::set_out() {
    auto* via = held_->at->via;
    if (via == nullptr || via->session().opens_wait() || !via->session().can_open()) return false;
    auto& open = w_.open;
    // Written by encode_open() itself.
    if (!wire::itp::decode_open(held_->open, open)) {
        held_.reset();
        refuse(500, "internal", "The request could not be kept", "Try again.");
        return true;
    }
    open.tunnel = route_->number;
    stream_ = via->session().open(open, held_->flags, *this);
    if (stream_ == nullptr) {
        held_.reset();
        refuse_busy("streams");
        return true;
    }
    sent_to_tunnel();
    return true;
}

void exchange::send_held() {
    const auto mine = std::exchange(held_, nullptr);
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
}

void exchange::turn_away() {
    held_.reset();
    refuse_reconnecting({});
}

void exchange::on_held_timeout() {
    const bool was_asked_about = held_->question != nullptr;
    const bool is_away = route_->via == nullptr;
    held_.reset();
    if (was_asked_about)
        refuse(503, "unavailable", "The service did not answer in time", "Try again in a moment.",
               /*is_last=*/!request_done_);
    else if (is_away)
        refuse_reconnecting("parked-wait");
    else
        refuse_busy("unaccepted");
}

}  // namespace instatunnel::edge
