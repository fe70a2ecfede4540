#include <algorithm>
#include <cstring>

#include "instatunnel/engine/session.hpp"

namespace instatunnel::engine {

using wire::itp::frame_type;
namespace flag = wire::itp::flag;

namespace {

constexpr std::uint64_t interactive_bytes = 32 * 1024;

}  // namespace

bool stream::has_sendable() const noexcept {
    if (dead_) return false;
    if (first_ != nullptr) return credit_.available() > 0;
    return end_queued_ && !end_sent_;
}

void stream::send_reply(const wire::itp::reply_head& head, std::uint8_t flags) {
    if (dead_ || end_queued_) return;
    session_.head_buffer_.clear();
    wire::itp::encode_reply(session_.head_buffer_, head);
    if (session_.head_buffer_.size() > wire::itp::max_head_size)
        return reset(code::head_too_large, "a reply head over 64 KiB");
    session_.append_head(frame_type::head, flags, id_, session_.head_buffer_);
    if (tap_ != nullptr) tap_->on_reply_head(head, flags);
    if ((flags & flag::end) != 0) {
        end_queued_ = end_sent_ = true;
        if (tap_ != nullptr) tap_->on_reply_end();
    }
    session_.forget_if_done(*this);
}

void stream::accept() {
    if (!dead_) session_.append(frame_type::accept, 0, id_, {});
}

void stream::write(std::string_view bytes, bool push) {
    if (dead_ || end_queued_ || stopped_) return;
    // Nothing waits before these bytes and the lane has room: they need no chunk of their own.
    if (first_ == nullptr && bytes.size() <= credit_.available() && bytes.size() <= wire::itp::max_data_payload &&
        session_.batch_.size() + session_.out_.queued() < session::lane_high_water) {
        credit_.use(static_cast<std::uint32_t>(bytes.size()));
        sent_ += bytes.size();
        if (tap_ != nullptr) tap_->on_reply_data(bytes);
        session_.append(frame_type::data, push ? flag::push : std::uint8_t{0}, id_, bytes);
        return;
    }
    push_ = push_ || push;
    while (!bytes.empty()) {
        const auto room = reserve();
        const auto n = std::min(room.size(), bytes.size());
        std::memcpy(room.data(), bytes.data(), n);
        commit(n);
        bytes.remove_prefix(n);
    }
}

std::span<char> stream::reserve() {
    if (dead_ || end_queued_ || stopped_) return {};
    // A half-filled chunk is not worth a small read: a new one keeps frames full.
    if (last_ == nullptr || last_->room() < chunk::capacity / 4) {
        chunk* fresh = session_.chunks_.take();
        (last_ != nullptr ? last_->next : first_) = fresh;
        last_ = fresh;
    }
    return {last_->payload() + last_->end, last_->room()};
}

void stream::commit(std::size_t bytes) {
    if (last_ == nullptr) return;
    if (tap_ != nullptr) tap_->on_reply_data({last_->payload() + last_->end, bytes});
    last_->end += static_cast<std::uint32_t>(bytes);
    queued_ += bytes;
    if (last_->end == 0) return drop_empty_tail();
    if (bytes == 0) return;
    if (queued_ >= high_water) above_high_ = true;
    session_.make_ready(*this);
}

// Nothing was received into a chunk that was reserved: without it END can ride on the last real one.
void stream::drop_empty_tail() {
    chunk* before = nullptr;
    for (chunk* c = first_; c != last_; c = c->next)
        before = c;
    session_.chunks_.give(last_);
    last_ = before;
    (before != nullptr ? before->next : first_) = nullptr;
}

void stream::send_trailers(const std::vector<wire::field>& fields) {
    if (dead_ || end_queued_) return;
    trailers_.clear();
    wire::itp::encode_fields(trailers_, fields);
    if (trailers_.size() > wire::itp::max_head_size) return reset(code::head_too_large, "trailers over 64 KiB");
    has_trailers_ = true;
    if (tap_ != nullptr) tap_->on_reply_trailers(fields);
    finish();
}

void stream::finish() {
    if (dead_ || end_queued_) return;
    end_queued_ = true;
    if (tap_ != nullptr) tap_->on_reply_end();
    if (first_ == nullptr)
        session_.send_end(*this);
    else
        session_.make_ready(*this);
}

void stream::reset(code why, std::string_view text) {
    if (dead_) return;
    session_.append(frame_type::reset, 0, id_, wire::itp::encode_reset(why, text));
    if (tap_ != nullptr) tap_->on_reset(stream_tap::side::here, why, text);
    dead_ = true;
    drop_queue();
    session_.forget_if_done(*this);
}

void stream::consumed(std::size_t bytes, pace how) {
    if (dead_ || bytes == 0) return;
    session_.on_consumed(*this, static_cast<std::uint32_t>(bytes), how);
}

void stream::release() {
    if (released_) return;
    released_ = true;
    events_ = nullptr;
    // A reply that is finished leaves whole, also when it came before the end of the request; send_end() goes on. An
    // edge that lets go has no interest in a reply any more, and the app is to hear that at once.
    if (session_.role_ == role::client && !dead_ && end_queued_ && !end_sent_) return;
    // Whoever lets go of an unfinished exchange does not want its rest.
    if (!dead_ && !(end_queued_ && receive_end_)) {
        reset(code::cancelled, {});
        return;
    }
    session_.forget_if_done(*this);
}

void stream::drop_queue() {
    while (first_ != nullptr)
        session_.chunks_.give(std::exchange(first_, first_->next));
    last_ = nullptr;
    queued_ = 0;
    session_.ready_.remove(*this);
}

void session::make_ready(stream& s) {
    if (!s.has_sendable()) return;
    const bool interactive = s.push_ || s.sent_ < interactive_bytes;
    ready_.push(s, interactive ? priority::interactive : priority::bulk);
    wake_output();
}

// Sends one frame of a stream. False: nothing could be sent.
bool session::send_some(stream& s) {
    chunk* c = s.first_;
    if (c == nullptr) return false;
    const auto size = std::min<std::size_t>(c->size(), s.credit_.available());
    if (size == 0) return false;
    const bool chunk_done = size == c->size();
    const bool last = chunk_done && c->next == nullptr && s.end_queued_ && !s.has_trailers_;
    const auto flags = static_cast<std::uint8_t>((last ? flag::end : 0) | (s.push_ ? flag::push : 0));
    // The header goes into the bytes before the payload: the room at the front, or payload that was sent already.
    char* header = c->payload() + c->begin - wire::itp::frame_header_size;
    wire::itp::encode_frame_header(
        header, {static_cast<std::uint16_t>(size), static_cast<std::uint8_t>(frame_type::data), flags, s.id_});
    out_.write({header, wire::itp::frame_header_size + size});

    s.credit_.use(static_cast<std::uint32_t>(size));
    s.sent_ += size;
    s.queued_ -= size;
    c->begin += static_cast<std::uint32_t>(size);
    if (chunk_done) {
        s.first_ = c->next;
        if (s.first_ == nullptr) s.last_ = nullptr;
        chunks_.give(c);
    }
    if (last) s.end_sent_ = true;
    if (s.first_ == nullptr) s.push_ = false;
    if (s.progress_watched_ && s.events_ != nullptr) s.events_->on_progress(s);
    return true;
}

void session::send_end(stream& s) {
    // The last DATA frame may have carried it already.
    if (!s.end_sent_) {
        s.end_sent_ = true;
        if (s.has_trailers_)
            append_head(frame_type::trailers, 0, s.id_, s.trailers_);
        else
            append(frame_type::data, flag::end, s.id_, {});
    }
    if (s.released_ && !s.receive_end_) return s.reset(code::cancelled, {});
    forget_if_done(s);
}

}  // namespace instatunnel::engine
