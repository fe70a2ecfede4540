#include "visitor.hpp"

#include <algorithm>

#include "instatunnel/base/log.hpp"
#include "instatunnel/net/tls.hpp"
#include "v1_bridge.hpp"

namespace instatunnel::edge {

visitor::visitor(worker& w, net::peer_name peer, address_slot slot)
    : visitor_connection(w, std::move(peer), std::move(slot)), exchange(w, visitor_connection::origin()) {}

void visitor::adopt(std::unique_ptr<net::connection> connection) {
    conn_ = std::move(connection);
    conn_->set_events(*this);
    visitor_connection::origin().asked_host = net::requested_name(conn_->ssl());
    visitor_connection::origin().ssl = conn_->ssl();
    arm(w_.limits.first_byte);
}

void visitor::drain() {
    keep_alive_ = false;
    if (!is_busy() && state_ != state::closing) close(/*cleanly=*/true);
}

void visitor::abort() {
    if (state_ == state::closing) return;
    if (is_busy()) ++w_.cut_requests;
    close(/*cleanly=*/false);
}

// --- input -----------------------------------------------------------------------------------------------------------

void visitor::on_readable() {
    for (std::size_t turn_bytes = 0; state_ != state::closing && !input_over_;) {
        // Whoever asks without reading the answers gets no further ones.
        const bool full =
            input_.size() >= w_.limits.pipelined_bytes || (state_ == state::reading_head && conn_->is_congested());
        if (full || (stream_ != nullptr && stream_->is_congested()) ||
            (state_ == state::reading_body && is_waiting())) {
            reading_paused_ = true;
            return;
        }
        reading_paused_ = false;
        const auto direct = large_body_room();
        const auto space = direct.empty() ? std::span<char>(w_.loop.scratch()) : direct;
        const auto got = conn_->read(space.data(), space.size());
        if (!direct.empty()) body_received(got.status == net::read_status::data ? got.size : 0);
        switch (got.status) {
            case net::read_status::would_block:
                return;
            case net::read_status::broken:
                return on_broken(errc::connection_lost);
            case net::read_status::end:
                return input_ended();
            case net::read_status::data:
                if (direct.empty())
                    consume({space.data(), got.size});
                else if ((body_left_ -= got.size) == 0)
                    request_complete();
                break;
        }
        if (state_ == state::closing || got.drained) return;
        turn_bytes += got.size;
        // Other sockets have their turn; this one is not forgotten.
        const bool is_full = direct.empty() ? got.size == space.size() : turn_bytes >= net::event_loop::scratch_size;
        if (is_full) return conn_->resume_reading();
    }
}

// Of a large body, from the socket into the frame's memory, nothing in between; what is left of it may be less.
std::span<char> visitor::large_body_room() {
    const bool is_plain = state_ == state::reading_body && body_ == wire::body_kind::length && input_.empty();
    if (!is_plain || body_left_ < net::connection::record_size) return {};
    const auto room = body_room();
    return room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), body_left_)));
}

void visitor::input_ended() {
    input_over_ = true;
    if (state_ == state::upgraded) {
        if (stream_ != nullptr) stream_->finish();
        if (conn_->is_write_finished()) close(/*cleanly=*/true);
        return;
    }
    // Somebody who hangs up does not wait for the answer: the app is told at once, not at its next write.
    close(/*cleanly=*/state_ == state::reading_head);
}

// Takes as much as the state allows; the rest waits in input_.
void visitor::consume(std::string_view bytes) {
    if (in_consume_) {
        input_.append(bytes);
        return;
    }
    in_consume_ = true;
    const bool stored = !input_.empty();
    if (stored) input_.append(bytes);
    std::string_view rest = stored ? std::string_view(input_) : bytes;
    while (!rest.empty() && state_ != state::closing) {
        if (state_ == state::reading_head && conn_->is_congested()) break;
        const auto used = consume_step(rest);
        rest.remove_prefix(used);
        if (used == 0) break;
    }
    in_consume_ = false;
    if (state_ == state::closing) return;
    if (stored)
        input_.erase(0, input_.size() - rest.size());
    else
        input_.assign(rest);
    if (input_.empty() && input_.capacity() > 256) std::string().swap(input_);
}

std::size_t visitor::consume_step(std::string_view bytes) {
    switch (state_) {
        case state::reading_head:
            return consume_head(bytes);
        case state::reading_body:
            return body_ == wire::body_kind::chunked ? consume_chunked(bytes) : consume_body(bytes);
        case state::upgraded:
            forward_body(bytes, /*push=*/true);
            return bytes.size();
        case state::awaiting:
        case state::closing:
            return 0;
    }
    return 0;
}

std::size_t visitor::consume_head(std::string_view bytes) {
    const auto parsed = wire::parse_request_head(bytes, head_seen_, w_.limits.head, w_.request);
    if (parsed.status == wire::parse_status::incomplete) {
        // An empty line before a request is nothing that has to be completed (RFC 9112 §2.2).
        if (head_seen_ == 0 && bytes != "\r\n") {
            pace_.begin(w_.loop.now());
            arm(pace_.look(w_.loop.now(), bytes.size(), w_.limits).again);
        }
        head_seen_ = bytes.size();
        return 0;
    }
    head_seen_ = 0;
    if (parsed.status == wire::parse_status::invalid) {
        request_id_ = w_.next_request_id++;
        log::debug("visitor.refused")
            .with("from", origin_.peer.address)
            .with("status", parsed.http_status)
            .with("rule", parsed.reason);
        refuse(parsed.http_status, "bad_request", parsed.reason, {}, /*is_last=*/true, limit_behind(parsed.reason));
        return 0;
    }
    behind_head_ = bytes.substr(parsed.consumed);
    dispatch(w_.request);
    behind_head_ = {};
    return parsed.consumed;
}

std::size_t visitor::consume_body(std::string_view bytes) {
    const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), body_left_));
    body_left_ -= take;
    forward_body(bytes.substr(0, take), /*push=*/false);
    if (body_left_ == 0 && state_ == state::reading_body) request_complete();
    return take;
}

std::size_t visitor::consume_chunked(std::string_view bytes) {
    const auto step = chunked_.next(bytes);
    switch (step.what) {
        case wire::chunked_decoder::event::data:
            forward_body(step.data, /*push=*/false);
            break;
        case wire::chunked_decoder::event::done:
            if (state_ == state::reading_body) request_complete();
            break;
        case wire::chunked_decoder::event::invalid:
            if (stream_ != nullptr) drop_stream();
            refuse(400, "bad_request", chunked_.reason(), {}, /*is_last=*/true);
            return 0;
        case wire::chunked_decoder::event::need_more:
            break;
    }
    return step.consumed;
}

void visitor::request_complete() {
    state_ = state::awaiting;
    std::vector<wire::field> trailers;
    if (body_ == wire::body_kind::chunked && !chunked_.trailers().empty() &&
        !wire::parse_field_lines(chunked_.trailers(), trailers))
        trailers.clear();
    finish_request(trailers);
    if (reply_done_) exchange_over();
}

void visitor::on_drained(engine::stream&) {
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::on_set_out() {
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::dispatch(const wire::request_head& head) {
    const bool ended =
        head.body == wire::body_kind::none || (head.body == wire::body_kind::length && head.content_length == 0);
    keep_alive_ = head.keep_alive && !w_.draining;
    body_ = head.body;
    body_left_ = head.content_length;
    trailers_.clear();
    if (body_ == wire::body_kind::chunked) chunked_.reset();
    state_ = ended ? state::awaiting : state::reading_body;
    prepare(head, head.minor_version == 0 ? 10 : 11, ended);
    serve(head);
}

// --- ends ------------------------------------------------------------------------------------------------------------

void visitor::exchange_over() {
    forget();
    if (!keep_alive_ || !request_done_) return close(/*cleanly=*/true);
    state_ = state::reading_head;
    // One request on a connection is common, a second one means more to come: only then keeping buffers pays. (Freed at
    // once, they leave no holes: 1,000 idle visitors cost half of what they cost with buffers kept for a second.)
    if (++requests_here_ > 1) conn_->keep_buffers(true);
    may_be_idle_ = requests_here_ > 1;
    unread_reply_ = 0;
    arm(may_be_idle_ ? w_.limits.buffers_kept : w_.limits.keep_alive);
    // The next request may lie there already.
    if (!input_.empty() && !in_consume_) consume({});
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::close(bool cleanly) {
    if (state_ == state::closing) return;
    state_ = state::closing;
    drop_stream();
    if (cleanly)
        net::connection::close_gently(std::move(conn_));
    else
        net::connection::close_now(std::move(conn_), /*reset=*/true);
    leave();
}

void visitor::leave() {
    timer_.cancel();
    forget();
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

bool visitor::become_client(const net::peer_name& peer, v1_wish&& wish) {
    if (!request_done_) return false;
    state_ = state::closing;
    v1_bridge::begin(w_, peer, std::move(conn_), std::move(wish), behind_head_);
    leave();
    return true;
}

void visitor::on_broken(errc) {
    close(/*cleanly=*/false);
}

// The last reply has not left: a slow reader is waited for as long as it reads, but not one that only sips.
void visitor::on_unread_reply() {
    const auto left = conn_->queued();
    if (unread_reply_ != 0 && left + w_.limits.reply_minimum > unread_reply_) return close(/*cleanly=*/false);
    unread_reply_ = left;
    arm(w_.limits.keep_alive);
}

void visitor::on_timer() {
    if (state_ == state::closing) return;
    if (state_ != state::reading_head) return on_exchange_timeout();
    if (conn_->queued() != 0) return on_unread_reply();
    if (input_.empty() && may_be_idle_) {
        // Most connections that pause for a second stay idle for long: they should cost little.
        may_be_idle_ = false;
        conn_->keep_buffers(false);
        return arm(w_.limits.keep_alive);
    }
    if (input_.empty()) return close(/*cleanly=*/true);
    const auto pace = pace_.look(w_.loop.now(), input_.size(), w_.limits);
    if (pace.limit.empty()) return arm(pace.again);
    refuse(408, "request_timeout", "The request did not arrive in time", {}, /*is_last=*/true, pace.limit);
}

}  // namespace instatunnel::edge
