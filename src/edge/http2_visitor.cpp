#include "http2_visitor.hpp"

#include <utility>

#include "instatunnel/base/log.hpp"
#include "instatunnel/net/tls.hpp"

namespace instatunnel::edge {
namespace {

// What stands in the connection's queue cannot be reordered by priority any more: hold little of it, refill often.
constexpr std::size_t high_water = 128 * 1024;
constexpr std::size_t low_water = 64 * 1024;

}  // namespace

http2_visitor::http2_visitor(worker& w, net::peer_name peer, address_slot slot)
    : visitor_connection(w, std::move(peer), std::move(slot)),
      w_(w),
      idle_(
          w.loop, [](void* self) { static_cast<http2_visitor*>(self)->on_idle_timer(); }, this),
      buffers_(
          w.loop, [](void* self) { static_cast<http2_visitor*>(self)->conn_->keep_buffers(false); }, this),
      goodbye_(
          w.loop, [](void* self) { static_cast<http2_visitor*>(self)->on_drain_timer(); }, this) {}

http2_visitor::~http2_visitor() = default;

void http2_visitor::adopt(std::unique_ptr<net::connection> connection) {
    conn_ = std::move(connection);
    conn_->set_events(*this);
    conn_->set_water(high_water, low_water);
    origin().asked_host = net::requested_name(conn_->ssl());
    origin().ssl = conn_->ssl();
    session_.reset(new http2_session(*this, w_.limits.http2, w_.limits.head));
    session_->flush();
    idle_.arm(w_.limits.first_byte);
}

// --- requests --------------------------------------------------------------------------------------------------------

void http2_visitor::on_readable() {
    while (conn_ != nullptr) {
        // Whoever does not read what is sent gets nothing read either.
        reading_paused_ = conn_->is_congested();
        if (reading_paused_) return;
        const auto space = w_.loop.scratch();
        const auto got = conn_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data)
            // Somebody who hangs up does not wait for the answer.
            return close(/*cleanly=*/got.status == net::read_status::end && exchanges_.empty());
        bytes_read_ += got.size;
        if (!session_->receive({space.data(), got.size})) return close(/*cleanly=*/true);
        settle();
        if (conn_ == nullptr || got.drained) return;
        if (got.size == space.size()) return conn_->resume_reading();
    }
}

http2_stream* http2_visitor::on_request() {
    if (w_.draining || draining_) return nullptr;
    exchanges_.emplace_back(new http2_exchange(w_, origin(), *this));
    exchanges_.back()->place_ = exchanges_.size() - 1;
    ++requests_here_;
    return exchanges_.back().get();
}

void http2_visitor::on_head(http2_stream& s, http2_head& head, bool ended) {
    static_cast<http2_exchange&>(s).start(head, ended);
}

// It may be on the stack right now: destroyed when the turn ends.
void http2_visitor::ended(http2_exchange& e) {
    const auto at = e.place_;
    ended_.push_back(std::move(exchanges_[at]));
    if (at + 1 != exchanges_.size()) {
        exchanges_[at] = std::move(exchanges_.back());
        exchanges_[at]->place_ = at;
    }
    exchanges_.pop_back();
    request_flush();
}

void http2_visitor::run_deferred() {
    ended_.clear();
    if (conn_ == nullptr) return;
    session_->flush();
    if (session_->is_over()) return close(/*cleanly=*/true);
    settle();
}

void http2_visitor::on_writable() {
    for (const auto& e : exchanges_)
        e->on_writable();
    session_->flush();
    if (session_->is_over()) return close(/*cleanly=*/true);
    if (reading_paused_) conn_->resume_reading();
}

// --- time ------------------------------------------------------------------------------------------------------------

// Chooses what the connection waits for: the end of a field section, the next request, or nothing.
void http2_visitor::settle() {
    // As for HTTP/1: a second request means more to come, and only then keeping buffers pays.
    if (requests_here_ > 1) {
        conn_->keep_buffers(true);
        buffers_.arm(w_.limits.buffers_kept);
    }
    if (session_->is_inside_section()) {
        if (!std::exchange(section_timed_, true)) {
            pace_.begin(w_.loop.now(), bytes_read_);
            idle_.arm(pace_.look(w_.loop.now(), bytes_read_, w_.limits).again);
        }
        return;
    }
    const bool was_timed = std::exchange(section_timed_, false);
    if (!exchanges_.empty())
        idle_.cancel();
    else if (requests_here_ != 0 && (was_timed || !idle_.is_armed()))
        idle_.arm(w_.limits.keep_alive);
}

void http2_visitor::on_idle_timer() {
    if (session_->is_inside_section()) {
        const auto pace = pace_.look(w_.loop.now(), bytes_read_, w_.limits);
        if (pace.limit.empty()) return idle_.arm(pace.again);
        log::debug("visitor.cut").with("from", origin().peer.address).with("limit", pace.limit);
        session_->terminate(NGHTTP2_ENHANCE_YOUR_CALM);
        return close(/*cleanly=*/true);
    }
    if (!exchanges_.empty()) return;
    // A slow reader is waited for as long as it reads, but not one that only sips.
    if (conn_->queued() != 0 && (unread_reply_ == 0 || conn_->queued() + w_.limits.reply_minimum <= unread_reply_)) {
        unread_reply_ = conn_->queued();
        return idle_.arm(w_.limits.keep_alive);
    }
    session_->terminate(NGHTTP2_NO_ERROR);
    close(/*cleanly=*/true);
}

// --- ends ------------------------------------------------------------------------------------------------------------

void http2_visitor::drain() {
    if (conn_ == nullptr || std::exchange(draining_, true)) return;
    says_goodbye_ = true;
    session_->announce_goaway();
    goodbye_.arm(w_.limits.http2.drain_grace);
}

void http2_visitor::on_drain_timer() {
    says_goodbye_ = false;
    session_->goaway();
}

void http2_visitor::abort() {
    if (conn_ == nullptr) return;
    w_.cut_requests += exchanges_.size();
    session_->terminate(NGHTTP2_NO_ERROR);
    close(/*cleanly=*/exchanges_.empty());
}

void http2_visitor::on_broken(errc) {
    close(/*cleanly=*/false);
}

void http2_visitor::close(bool cleanly) {
    if (conn_ == nullptr) return;
    if (!session_->rule().empty())
        log::debug("visitor.refused").with("from", origin().peer.address).with("rule", session_->rule());
    for (const auto& e : exchanges_)
        e->abandon();
    if (cleanly)
        net::connection::close_gently(std::move(conn_));
    else
        net::connection::close_now(std::move(conn_), /*reset=*/true);
    says_goodbye_ = false;
    idle_.cancel();
    buffers_.cancel();
    goodbye_.cancel();
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
