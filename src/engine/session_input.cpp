// What the peer sends, from bytes to frames to what they mean.

#include "instatunnel/engine/session.hpp"

namespace instatunnel::engine {

using wire::itp::frame_header;
using wire::itp::frame_type;
namespace flag = wire::itp::flag;

namespace {

constexpr std::size_t max_open_frames_in_row = 8;  // parts of one head
constexpr unsigned max_pings_per_second = 100;

}  // namespace

bool session::violate(code why, std::string_view rule) {
    send_error(why, rule);
    events_.on_violation(why, rule);
    return false;
}

bool session::receive(std::string_view bytes, time_point now) {
    now_ = now;
    last_received_ = now;
    while (!failed_ && !bytes.empty()) {
        // Frames are read where they lie; only one that is cut by the end of the input is gathered.
        if (!carry_.empty()) {
            const auto have = carry_.size();
            std::size_t want = preface_seen_ ? wire::itp::frame_header_size : wire::itp::preface_size;
            if (preface_seen_ && have >= want) want += wire::itp::decode_frame_header(carry_.data()).length;
            const auto part = bytes.substr(0, want > have ? want - have : 0);
            carry_.append(part);
            bytes.remove_prefix(part.size());
            if (carry_.size() < want) return true;
            if (preface_seen_ && want == wire::itp::frame_header_size) {
                const auto length = wire::itp::decode_frame_header(carry_.data()).length;
                if (length > wire::itp::default_max_frame) return violate(code::frame_size, "frame longer than 16384");
                if (length != 0) continue;
            }
        }
        const bool gathered = !carry_.empty();
        const std::string_view input = gathered ? std::string_view(carry_) : bytes;
        if (!preface_seen_) {
            if (input.size() < wire::itp::preface_size) {
                carry_.append(input);
                return true;
            }
            if (wire::itp::negotiate_version(input, wire::itp::protocol_version, wire::itp::protocol_version) == 0)
                return violate(code::version, "no protocol version in common");
            preface_seen_ = true;
            if (gathered)
                carry_.clear();
            else
                bytes.remove_prefix(wire::itp::preface_size);
            continue;
        }
        if (input.size() < wire::itp::frame_header_size) {
            carry_.append(input);
            return true;
        }
        const auto header = wire::itp::decode_frame_header(input.data());
        if (header.length > wire::itp::default_max_frame) return violate(code::frame_size, "frame longer than 16384");
        const std::size_t whole = wire::itp::frame_header_size + header.length;
        if (input.size() < whole) {
            carry_.append(input);
            return true;
        }
        const auto payload = input.substr(wire::itp::frame_header_size, header.length);
        const bool good = handle_frame(header, payload);
        if (gathered)
            carry_.clear();
        else
            bytes.remove_prefix(whole);
        if (!good) return false;
    }
    return !failed_;
}

bool session::handle_frame(const frame_header& h, std::string_view payload) {
    if (h.type >= wire::itp::first_ignorable_type) return true;
    if (joining_type_ != 0 && (h.type != joining_type_ || h.stream != joining_stream_))
        return violate(code::protocol, "a frame between the parts of a head");
    switch (static_cast<frame_type>(h.type)) {
        case frame_type::pad:
            return true;
        case frame_type::hello:
            if (role_ != role::edge) return violate(code::protocol, "HELLO from an edge");
            events_.on_hello(payload);
            return !failed_;
        case frame_type::welcome:
            if (role_ != role::client) return violate(code::protocol, "WELCOME from a client");
            events_.on_welcome(payload);
            return !failed_;
        case frame_type::error: {
            const auto error = wire::itp::decode_error(payload);
            failed_ = true;
            events_.on_peer_error(error.what, error.text);
            return false;
        }
        case frame_type::open:
            return handle_open(h, payload);
        case frame_type::head:
            return handle_head(h, payload);
        case frame_type::data:
            return handle_data(h, payload);
        case frame_type::trailers:
            return handle_trailers(h, payload);
        case frame_type::credit:
            return handle_credit(payload);
        case frame_type::reset:
        case frame_type::stop:
            return handle_reset(h, payload);
        case frame_type::ping:
            return handle_ping(h, payload);
        case frame_type::goaway: {
            const auto error = wire::itp::decode_error(payload);
            goaway_received_ = true;
            events_.on_goaway(error.what, error.text);
            return !failed_;
        }
        case frame_type::ctrl:
            events_.on_ctrl(payload);
            return !failed_;
        case frame_type::accept:
            if (stream* s = find(h.stream); s != nullptr && !s->dead_) {
                note_accepted(*s);
                if (s->events_ != nullptr) s->events_->on_accepted(*s);
            }
            return true;
        case frame_type::move:
        case frame_type::datagram:
            return violate(code::protocol, "a frame that was not negotiated");
    }
    return violate(code::protocol, "unknown frame type");
}

bool session::join(const frame_header& h, std::string_view& payload, bool& complete) {
    complete = (h.flags & flag::more) == 0;
    if (complete && joining_type_ == 0) return true;
    joining_type_ = h.type;
    joining_stream_ = h.stream;
    joined_.append(payload);
    if (joined_.size() > wire::itp::max_head_size + max_open_frames_in_row)
        return violate(code::head_too_large, "a head longer than 64 KiB");
    if (complete) {
        joining_type_ = 0;
        // Not head_buffer_: the handler's reply is written there while it still reads this head.
        whole_head_.swap(joined_);
        joined_.clear();
        payload = whole_head_;
    }
    return true;
}

bool session::handle_open(const frame_header& h, std::string_view payload) {
    // Requests go from edge to client only; the other direction is for later kinds of streams.
    if (role_ != role::client) return violate(code::protocol, "OPEN from a client");
    if (h.stream % 2 == 0 || h.stream == 0 || (h.stream <= highest_peer_id_ && joining_type_ == 0))
        return violate(code::protocol, "OPEN with an id that cannot be new");
    bool complete = false;
    if (!join(h, payload, complete)) return false;
    if (!complete) return true;
    highest_peer_id_ = h.stream;
    if (!wire::itp::decode_open(payload, open_head_)) return violate(code::protocol, "malformed OPEN");
    if (open_count_ >= limits_.max_streams) {
        append(frame_type::reset, 0, h.stream, wire::itp::encode_reset(code::refused, "too many streams"));
        return true;
    }
    auto* s = add(h.stream);
    if ((h.flags & flag::end) != 0) s->receive_end_ = true;
    events_.on_open(*s, open_head_, h.flags);
    return !failed_;
}

bool session::handle_head(const frame_header& h, std::string_view payload) {
    if (role_ != role::edge) return violate(code::protocol, "HEAD from an edge");
    bool complete = false;
    if (!join(h, payload, complete)) return false;
    if (!complete) return true;
    if (!was_opened(h.stream)) return violate(code::protocol, "HEAD for a stream that was never opened");
    if (!wire::itp::decode_reply(payload, reply_head_)) return violate(code::protocol, "malformed HEAD");
    stream* s = find(h.stream);
    if (s == nullptr || s->dead_) return true;
    const bool interim = (h.flags & flag::interim) != 0;
    const bool upgraded = (h.flags & flag::upgraded) != 0;
    // The status must be of the kind the flags say, or a visitor could be sent two replies for one.
    if (upgraded ? interim || reply_head_.status != 101 : interim != (reply_head_.status < 200))
        return violate(code::protocol, "HEAD flags that do not fit the status");
    if (interim && ++s->interim_heads_ > max_interim_heads) return violate(code::protocol, "too many interim heads");
    if (s->head_seen_ || s->receive_end_ || (interim && (h.flags & flag::end) != 0))
        return violate(code::protocol, "HEAD after the final one");
    note_accepted(*s);
    s->head_seen_ = !interim;
    const bool ended = (h.flags & flag::end) != 0;
    if (s->events_ != nullptr) s->events_->on_head(*s, reply_head_, h.flags);
    if (ended && (s = find(h.stream)) != nullptr) receive_ended(*s);
    return !failed_;
}

bool session::handle_data(const frame_header& h, std::string_view payload) {
    if (!was_opened(h.stream)) return violate(code::protocol, "DATA for a stream that was never opened");
    stream* s = find(h.stream);
    if (s == nullptr || s->dead_) return true;
    if (s->receive_end_) return violate(code::protocol, "DATA after the end");
    if (role_ == role::edge && !s->head_seen_) return violate(code::protocol, "DATA before HEAD");
    if (!s->receive_.on_received(h.length)) return violate(code::flow_control, "more DATA than was granted");
    if (s->tap_ != nullptr) s->tap_->on_request_data(payload);
    if (!payload.empty() && s->events_ != nullptr) s->events_->on_data(*s, payload);
    if ((h.flags & flag::end) != 0 && (s = find(h.stream)) != nullptr) receive_ended(*s);
    return !failed_;
}

bool session::handle_trailers(const frame_header& h, std::string_view payload) {
    bool complete = false;
    if (!join(h, payload, complete)) return false;
    if (!complete) return true;
    if (!was_opened(h.stream)) return violate(code::protocol, "TRAILERS for a stream that was never opened");
    if (!wire::itp::decode_fields(payload, field_buffer_)) return violate(code::protocol, "malformed TRAILERS");
    stream* s = find(h.stream);
    if (s == nullptr || s->dead_) return true;
    if (s->receive_end_) return violate(code::protocol, "TRAILERS after the end");
    if (role_ == role::edge && !s->head_seen_) return violate(code::protocol, "TRAILERS before HEAD");
    if (s->tap_ != nullptr) s->tap_->on_request_trailers(field_buffer_);
    if (s->events_ != nullptr) s->events_->on_trailers(*s, field_buffer_);
    if ((s = find(h.stream)) != nullptr) receive_ended(*s);
    return !failed_;
}

void session::receive_ended(stream& s) {
    if (s.receive_end_ || s.dead_) return;
    s.receive_end_ = true;
    const auto id = s.id_;
    if (s.tap_ != nullptr) s.tap_->on_request_end();
    if (s.events_ != nullptr) s.events_->on_end(s);
    if (stream* still = find(id)) forget_if_done(*still);
}

bool session::handle_credit(std::string_view payload) {
    if (payload.size() % 8 != 0) return violate(code::protocol, "malformed CREDIT");
    for (; !payload.empty(); payload.remove_prefix(8)) {
        stream* s = find(wire::itp::get_u32(payload.data()));
        if (s == nullptr || s->dead_) continue;
        if (!s->credit_.add(wire::itp::get_u32(payload.data() + 4)))
            return violate(code::flow_control, "a window beyond 2^31-1");
        make_ready(*s);
    }
    return true;
}

bool session::handle_reset(const frame_header& h, std::string_view payload) {
    stream* s = find(h.stream);
    if (s == nullptr || s->dead_) return true;
    if (h.type == static_cast<std::uint8_t>(frame_type::stop)) {
        s->stopped_ = true;
        s->drop_queue();
        if (s->end_queued_) send_end(*s);
        if (stream* still = find(h.stream); still != nullptr && still->events_ != nullptr)
            still->events_->on_stop(*still);
        return !failed_;
    }
    const auto reason = wire::itp::decode_reset(payload);
    kill(*s, reason.what, reason.text);
    return !failed_;
}

bool session::handle_ping(const frame_header& h, std::string_view payload) {
    if (payload.size() != 8) return violate(code::protocol, "malformed PING");
    if ((h.flags & flag::ack) != 0) {
        if (ping_outstanding_) {
            round_trip_ = std::chrono::duration_cast<std::chrono::microseconds>(now_ - ping_sent_);
            path_.note(round_trip_, now_);
        }
        ping_outstanding_ = false;
        return true;
    }
    if (now_ - ping_second_ >= std::chrono::seconds(1)) {
        ping_second_ = now_;
        pings_this_second_ = 0;
    }
    if (++pings_this_second_ > max_pings_per_second) return violate(code::protocol, "too many PINGs");
    append(frame_type::ping, flag::ack, 0, payload);
    return true;
}

}  // namespace instatunnel::engine
