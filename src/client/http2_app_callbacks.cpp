#include "http2_app_callbacks.hpp"

#include <algorithm>

#include "http2_call.hpp"

namespace instatunnel::client {
namespace {

constexpr std::size_t http2_frame_header = 9;

http2_app_connection& app_connection_of(void* user) {
    return *static_cast<http2_app_connection*>(user);
}

http2_call* call_of(nghttp2_session* library, std::int32_t id) {
    return static_cast<http2_call*>(nghttp2_session_get_stream_user_data(library, id));
}

std::string_view buffer_text(nghttp2_rcbuf* buffer) {
    const auto v = nghttp2_rcbuf_get_buf(buffer);
    return {reinterpret_cast<const char*>(v.base), v.len};
}

}  // namespace

const nghttp2_session_callbacks* http2_app_callbacks::table() {
    static nghttp2_session_callbacks* const made = [] {
        nghttp2_session_callbacks* t = nullptr;
        if (nghttp2_session_callbacks_new(&t) != 0) return t;
        nghttp2_session_callbacks_set_send_callback(t, send);
        nghttp2_session_callbacks_set_send_data_callback(t, send_data);
        nghttp2_session_callbacks_set_on_begin_frame_callback(t, on_begin_frame);
        nghttp2_session_callbacks_set_on_begin_headers_callback(t, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback2(t, on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback2(t, on_invalid_header);
        nghttp2_session_callbacks_set_on_frame_recv_callback(t, on_frame_recv);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(t, on_data_chunk);
        nghttp2_session_callbacks_set_on_stream_close_callback(t, on_stream_close);
        return t;
    }();
    return made;
}

// --- output ----------------------------------------------------------------------------------------------------------

ssize_t http2_app_callbacks::send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int, void* user) {
    auto& self = app_connection_of(user);
    if (self.is_congested()) return NGHTTP2_ERR_WOULDBLOCK;
    self.conn_->write({reinterpret_cast<const char*>(data), size});
    return static_cast<ssize_t>(size);
}

ssize_t http2_app_callbacks::read(nghttp2_session* library, std::int32_t id, std::uint8_t*, std::size_t length,
                                  std::uint32_t* flags, nghttp2_data_source*, void*) {
    http2_call* c = call_of(library, id);
    if (c == nullptr) return NGHTTP2_ERR_DEFERRED;
    const auto available = c->held() + c->passing_.size();
    if (available == 0 && !c->request_ended_) return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (c->request_ended_ && available <= length) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        const auto& trailers = c->trailers();
        if (!trailers.empty() && nghttp2_submit_trailer(library, id, trailers.data(), trailers.size()) == 0)
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return static_cast<ssize_t>(std::min(available, length));
}

int http2_app_callbacks::send_data(nghttp2_session* library, nghttp2_frame* frame, const std::uint8_t* header,
                                   std::size_t length, nghttp2_data_source*, void* user) {
    auto& self = app_connection_of(user);
    if (self.is_congested()) return NGHTTP2_ERR_WOULDBLOCK;
    http2_call* c = call_of(library, frame->hd.stream_id);
    // Its bytes went with the call; the reset that let_go() queued tells the app.
    if (c == nullptr || c->held() + c->passing_.size() < length) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    self.conn_->write({reinterpret_cast<const char*>(header), http2_frame_header});
    self.write_body(*c, length);
    return 0;
}

// --- input -----------------------------------------------------------------------------------------------------------

int http2_app_callbacks::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user) {
    if (header->type != NGHTTP2_PING && header->type != NGHTTP2_SETTINGS) return 0;
    return app_connection_of(user).count_answered_frame() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int http2_app_callbacks::on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* user) {
    app_connection_of(user).section_.clear();
    return 0;
}

int http2_app_callbacks::on_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                                   std::uint8_t, void* user) {
    const bool bearable = app_connection_of(user).section_.add(buffer_text(name), buffer_text(value));
    return bearable ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Without this nghttp2 would only leave the field out.
int http2_app_callbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame*, nghttp2_rcbuf*, nghttp2_rcbuf*,
                                           std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int http2_app_callbacks::on_frame_recv(nghttp2_session* library, const nghttp2_frame* frame, void* user) {
    auto& self = app_connection_of(user);
    if (frame->hd.type == NGHTTP2_SETTINGS) {
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) self.settings_came_ = true;
        return 0;
    }
    if (frame->hd.type == NGHTTP2_GOAWAY) {
        self.leaving_ = true;
        return 0;
    }
    http2_call* c = frame->hd.stream_id == 0 ? nullptr : call_of(library, frame->hd.stream_id);
    if (c == nullptr) return 0;
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
        case NGHTTP2_HEADERS:
            c->on_section(self.section_, ended);
            break;
        case NGHTTP2_DATA:
            if (ended) c->on_body_end();
            break;
        case NGHTTP2_RST_STREAM:
            c->on_app_reset(frame->rst_stream.error_code);
            break;
        default:
            break;
    }
    return 0;
}

int http2_app_callbacks::on_data_chunk(nghttp2_session* library, std::uint8_t, std::int32_t id,
                                       const std::uint8_t* data, std::size_t size, void*) {
    nghttp2_session_consume_connection(library, size);
    if (http2_call* c = call_of(library, id); c != nullptr) c->on_body({reinterpret_cast<const char*>(data), size});
    return 0;
}

int http2_app_callbacks::on_stream_close(nghttp2_session* library, std::int32_t id, std::uint32_t error_code,
                                         void* user) {
    http2_call* c = call_of(library, id);
    if (c == nullptr) return 0;
    nghttp2_session_set_stream_user_data(library, id, nullptr);
    app_connection_of(user).forget(*c);
    c->on_closed(error_code);
    return 0;
}

}  // namespace instatunnel::client
