#include "instatunnel/engine/session.hpp"

#include <algorithm>

#include "stream_table.hpp"

namespace instatunnel::engine {

using wire::itp::frame_type;
namespace flag = wire::itp::flag;

namespace {

constexpr std::size_t recycled_streams = 64;

}  // namespace

// Ids to streams, and the memory of streams that ended.
struct session::table {
    stream_table by_id;
    std::vector<void*> recycled;

    ~table() {
        for (void* memory : recycled)
            ::operator delete(memory);
    }
    void* take() {
        if (recycled.empty()) return ::operator new(sizeof(stream));
        void* memory = recycled.back();
        recycled.pop_back();
        return memory;
    }
    void give(void* memory) {
        if (recycled.size() < recycled_streams)
            recycled.push_back(memory);
        else
            ::operator delete(memory);
    }
};

session::session(role who, session_output& out, session_events& events, chunk_pool& chunks, session_limits limits)
    : role_(who),
      out_(out),
      events_(events),
      chunks_(chunks),
      limits_(limits),
      streams_(std::make_unique<table>()),
      next_id_(who == role::edge ? 1 : 2) {}

session::~session() {
    lose_all_streams({});
    for (const auto id : streams_->by_id.ids())
        erase(*find(id));
}

void session::start() {
    const auto preface = wire::itp::encode_preface(wire::itp::protocol_version, wire::itp::protocol_version);
    batch_.append(preface.data(), preface.size());
    wake_output();
}

void session::wake_output() {
    if (flush_requested_) return;
    flush_requested_ = true;
    out_.request_flush();
}

// --- output ----------------------------------------------------------------------------------------------------------

void session::append(frame_type type, std::uint8_t flags, std::uint32_t id, std::string_view payload) {
    if (failed_) return;  // ERROR is the last frame
    wire::itp::append_frame(batch_, type, flags, id, payload);
    wake_output();
}

void session::append_head(frame_type type, std::uint8_t flags, std::uint32_t id, std::string_view payload) {
    while (payload.size() > wire::itp::default_max_frame) {
        append(type, static_cast<std::uint8_t>(flags | flag::more), id,
               payload.substr(0, wire::itp::default_max_frame));
        payload.remove_prefix(wire::itp::default_max_frame);
    }
    append(type, flags, id, payload);
}

void session::flush_grants() {
    std::string_view rest = grants_;
    while (!rest.empty() && !failed_) {
        const auto part = rest.substr(0, wire::itp::default_max_frame);
        wire::itp::append_frame(batch_, frame_type::credit, 0, 0, part);
        rest.remove_prefix(part.size());
    }
    grants_.clear();
}

void session::flush_batch() {
    if (batch_.empty()) return;
    out_.write(batch_);
    batch_.clear();
}

void session::flush() {
    flush_requested_ = false;
    flush_grants();
    flush_batch();
    while (!failed_ && out_.queued() < lane_high_water) {
        auto* s = static_cast<stream*>(ready_.pop());
        if (s == nullptr) break;
        const auto id = s->id_;
        const bool sent = send_some(*s);
        if (s->first_ == nullptr && s->end_queued_) {
            send_end(*s);  // may forget it
        } else if (sent) {
            make_ready(*s);
        }
        s = find(id);
        if (s != nullptr && s->above_high_ && s->queued_ <= stream::low_water) {
            s->above_high_ = false;
            if (s->events_ != nullptr) s->events_->on_drained(*s);
            // The owner may have opened a stream or begun a body; chunks that follow must not overtake that.
            flush_batch();
        }
    }
    flush_batch();  // ends
    // Asked for during this call: nothing is left to do for it unless streams wait, and those wait for the lane.
    flush_requested_ = false;
}

void session::send_hello(std::string_view json) {
    append(frame_type::hello, 0, 0, json);
}
void session::send_welcome(std::string_view json) {
    append(frame_type::welcome, 0, 0, json);
}
void session::send_goaway(code why, std::string_view text) {
    goaway_sent_ = true;
    append(frame_type::goaway, 0, 0, wire::itp::encode_error(why, text));
}
void session::send_error(code why, std::string_view text) {
    append(frame_type::error, 0, 0, wire::itp::encode_error(why, text));
    failed_ = true;
}

// --- streams
// -----------------------------------------------------------------------------------------------------------

stream* session::add(std::uint32_t id) {
    auto* s = new (streams_->take()) stream(*this, id, limits_.window);
    streams_->by_id.insert(id, s);
    ++open_count_;
    return s;
}

stream* session::open(const wire::itp::open_head& head, std::uint8_t flags, stream_events& events) {
    if (!can_open()) return nullptr;
    head_buffer_.clear();
    wire::itp::encode_open(head_buffer_, head);
    if (head_buffer_.size() > wire::itp::max_head_size) return nullptr;
    const auto id = next_id_;
    next_id_ += 2;
    auto* s = add(id);
    s->events_ = &events;
    ++unaccepted_;
    if ((flags & flag::end) != 0) s->end_queued_ = s->end_sent_ = true;
    append_head(frame_type::open, flags, id, head_buffer_);
    return s;
}

// From any sign of life of the app's, or with the stream's end.
void session::note_accepted(stream& s) {
    if (role_ != role::edge || std::exchange(s.accepted_, true)) return;
    if (unaccepted_-- == limits_.max_unaccepted) wake_output();
}

void session::kill(stream& s, code why, std::string_view text) {
    note_accepted(s);
    s.dead_ = true;
    s.drop_queue();
    const auto id = s.id_;
    if (s.tap_ != nullptr) s.tap_->on_reset(stream_tap::side::peer, why, text);
    if (s.events_ != nullptr) s.events_->on_reset(s, why, text);
    if (stream* still = find(id)) forget_if_done(*still);
}

// --- life ------------------------------------------------------------------------------------------------------------

bool session::check_alive(time_point now) {
    if (last_received_ == time_point{}) last_received_ = now;
    const auto silent = now - last_received_;
    if (silent >= limits_.dead_after) return false;
    const bool due = silent >= limits_.ping_after || (open_count_ != 0 && now - ping_sent_ >= ping_every);
    if (due && (!ping_outstanding_ || now - ping_sent_ >= ping_every)) {
        ping_outstanding_ = true;
        ping_sent_ = now;
        append(frame_type::ping, 0, 0, std::string_view("\0\0\0\0\0\0\0\1", 8));
    }
    return true;
}

void session::lose_all_streams(std::string_view text) {
    failed_ = true;
    // By id: what an owner is told about one stream may make it release another.
    for (const auto id : streams_->by_id.ids())
        if (stream* s = find(id); s != nullptr && !s->dead_) kill(*s, code::session_lost, text);
}

void session::on_consumed(stream& s, std::uint32_t bytes, pace how) {
    const auto before = s.receive_.window();
    const bool may_grow = how == pace::free && window_growth_ + before <= limits_.growth_budget;
    const auto grant = s.receive_.on_consumed(bytes, now_, path_.shortest(), may_grow);
    window_growth_ += s.receive_.window() - before;
    if (grant == 0 || s.receive_end_) return;
    char entry[8];
    wire::itp::put_u32(entry, s.id_);
    wire::itp::put_u32(entry + 4, grant);
    grants_.append(entry, sizeof entry);
    wake_output();
}

// Ids are never used twice, and only the edge opens streams.
bool session::was_opened(std::uint32_t id) const noexcept {
    return id % 2 == 1 && (role_ == role::edge ? id < next_id_ : id <= highest_peer_id_);
}

stream* session::find(std::uint32_t id) const noexcept {
    return id == 0 ? nullptr : streams_->by_id.find(id);
}

void session::forget_if_done(stream& s) {
    if (!s.released_) return;
    if (s.dead_ || (s.end_sent_ && s.receive_end_)) erase(s);
}

void session::erase(stream& s) {
    note_accepted(s);
    s.drop_queue();
    window_growth_ -= s.receive_.window() - limits_.window;
    streams_->by_id.erase(s.id_);
    --open_count_;
    s.~stream();
    streams_->give(&s);
}

}  // namespace instatunnel::engine
