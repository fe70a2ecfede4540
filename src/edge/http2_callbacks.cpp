#include "http2_callbacks.hpp"

#include <algorithm>

namespace instatunnel::edge {
namespace {

http2_session& session_of(void* user) {
    return *static_cast<http2_session*>(user);
}

http2_stream* stream_of(nghttp2_session* s, std::int32_t id) {
    return static_cast<http2_stream*>(nghttp2_session_get_stream_user_data(s, id));
}

std::string_view text_of(nghttp2_rcbuf* buffer) {
    const auto v = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(v.base), v.len};
}

bool ends_stream(const nghttp2_frame* frame) {
    return (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

const nghttp2_session_callbacks* http2_callbacks::table() {
    static nghttp2_session_callbacks* const made = [] {
        nghttp2_session_callbacks* t = nullptr;
        if (nghttp2_session_callbacks_new(&t) != 0) return t;
        nghttp2_session_callbacks_set_send_callback(t, send);
        nghttp2_session_callbacks_set_send_data_callback(t, send_data);
        nghttp2_session_callbacks_set_on_begin_frame_callback(t, on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(t, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback2(t, on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback2(t, on_invalid_header);
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(t, on_invalid_frame);
        nghttp2_session_callbacks_set_on_frame_recv_callback(t, on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(t, on_data_chunk);
        nghttp2_session_callbacks_set_on_frame_send_callback(t, on_frame_send);
        nghttp2_session_callbacks_set_on_stream_close_callback(t, on_stream_close);
        return t;
    }();
    return made;
}

// --- output ----------------------------------------------------------------------------------------------------------

ssize_t http2_callbacks::send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int, void* user) {
    auto& owner = session_of(user).owner_;
    if (owner.is_congested() && !session_of(user).terminating_) return NGHTTP2_ERR_WOULDBLOCK;
    owner.write({reinterpret_cast<const char*>(data), size});
    return static_cast<ssize_t>(size);
}

ssize_t http2_callbacks::read(nghttp2_session* library, std::int32_t id, std::uint8_t*, std::size_t length,
                              std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    if (session_of(user).terminating_) return NGHTTP2_ERR_DEFERRED;
    auto& s = *static_cast<http2_stream*>(source->ptr);
    const auto available = s.held() + s.passing_.size();
    if (available == 0 && !s.source_ended_) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (s.source_ended_ && available <= length) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!s.trailers_.empty()) {
            http2_session::fields trailers;
            for (const auto& [name, value] : s.trailers_)
                trailers.push_back(http2_field(name, value));
            if (nghttp2_submit_trailer(library, id, trailers.data(), trailers.size()) == 0)
                *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        }
    }
    return static_cast<ssize_t>(std::min(available, length));
}

int http2_callbacks::send_data(nghttp2_session*, nghttp2_frame*, const std::uint8_t* header, std::size_t length,
                               nghttp2_data_source* source, void* user) {
    auto& self = session_of(user);
    if (self.owner_.is_congested()) return NGHTTP2_ERR_WOULDBLOCK;
    constexpr std::size_t header_size = 9;
    self.owner_.write({reinterpret_cast<const char*>(header), header_size});
    self.write_body(*static_cast<http2_stream*>(source->ptr), length);
    self.guard_.on_data_sent(self.owner_.now());
    return 0;
}

int http2_callbacks::on_frame_send(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
    auto& self = session_of(user);
    switch (frame->hd.type) {
        case NGHTTP2_RST_STREAM:
            // Not an error of this call: what was done in excess is answered when the turn's input is read.
            if (!self.guard_.on_reset_sent(frame->rst_stream.error_code, self.owner_.now())) self.flood();
            break;
        case NGHTTP2_HEADERS:
        case NGHTTP2_DATA:
            if (ends_stream(frame) && nghttp2_session_get_stream_remote_close(library, frame->hd.stream_id) == 0)
                if (http2_stream* s = stream_of(library, frame->hd.stream_id); s != nullptr) s->on_reply_left();
            break;
        default:
            break;
    }
    return 0;
}

// --- input -----------------------------------------------------------------------------------------------------------

int http2_callbacks::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
    auto& self = session_of(user);
    if (header->type == NGHTTP2_PRIORITY && header->stream_id == 0) {
        // The library does not look at these frames any more (RFC 9218 §2.1); the rule stands (RFC 9113 §6.3).
        self.rule_ = "PRIORITY on stream 0";
        self.last_word_ = NGHTTP2_PROTOCOL_ERROR;
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (self.guard_.on_frame(header->type, header->flags, header->length, self.owner_.now())) return 0;
    return self.flood() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int http2_callbacks::on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* user) {
    auto& self = session_of(user);
    self.section_.clear();
    self.inside_section_ = true;
    return 0;
}

int http2_callbacks::on_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                               std::uint8_t, void* user) {
    auto& self = session_of(user);
    const auto verdict = self.section_.add(text_of(name), text_of(value), self.head_limits_, self.limits_);
    if (verdict != http2_head::verdict::hostile) return 0;
    self.rule_ = "a field section made to be expensive";
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Without this nghttp2 would only leave the field out.
int http2_callbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*,
                                       std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int http2_callbacks::on_invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    if (frame->hd.type == NGHTTP2_HEADERS) session_of(user).inside_section_ = false;
    return 0;
}

void http2_callbacks::begin_request(http2_session& self, const nghttp2_frame* frame) {
    const auto id = frame->hd.stream_id;
    http2_stream* s = self.owner_.on_request();
    if (s == nullptr) {
        nghttp2_submit_rst_stream(self.session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return;
    }
    s->id_ = id;
    s->request_ended_ = ends_stream(frame);
    nghttp2_session_set_stream_user_data(self.session_, id, s);
    self.owner_.on_head(*s, self.section_, s->request_ended_);
}

int http2_callbacks::on_frame_recv(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
    auto& self = session_of(user);
    if (frame->hd.type == NGHTTP2_HEADERS) self.inside_section_ = false;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
    const bool ended = ends_stream(frame);
    if (frame->hd.type == NGHTTP2_DATA && !ended && frame->hd.length != 0 && frame->hd.length == frame->data.padlen &&
        !self.guard_.on_empty_data(self.owner_.now()))
        return self.flood() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        begin_request(self, frame);
        return 0;
    }
    http2_stream* s = stream_of(library, frame->hd.stream_id);
    if (s == nullptr || !ended || s->request_ended_) return 0;
    s->request_ended_ = true;
    self.trailer_fields_.clear();
    if (frame->hd.type == NGHTTP2_HEADERS && self.section_.size() <= self.limits_.trailers)
        self.section_.trailers(self.trailer_fields_);
    s->on_body_end(self.trailer_fields_);
    return 0;
}

int http2_callbacks::on_data_chunk(nghttp2_session* library, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                                   std::size_t size, void*) {
    http2_stream* s = stream_of(library, id);
    if (s == nullptr)
        nghttp2_session_consume(library, id, size);
    else
        s->on_body({reinterpret_cast<const char*>(data), size});
    return 0;
}

int http2_callbacks::on_stream_close(nghttp2_session* library, std::int32_t id, std::uint32_t error_code, void*) {
    http2_stream* s = stream_of(library, id);
    if (s == nullptr) return 0;
    nghttp2_session_set_stream_user_data(library, id, nullptr);
    s->on_closed(error_code);
    return 0;
}

}  // namespace instatunnel::edge
