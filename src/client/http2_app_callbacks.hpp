#pragma once

#include <nghttp2/nghttp2.h>

#include "http2_app_connection.hpp"

namespace instatunnel::client {

/// What nghttp2 calls; `user` is the http2_app_connection. A stream whose call has let go has no user data: what still
/// comes for it is dropped.
struct http2_app_callbacks {
    static const nghttp2_session_callbacks* table();

    static ssize_t send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int flags, void* user);
    static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                         nghttp2_data_source* source, void* user);
    static ssize_t read(nghttp2_session*, std::int32_t id, std::uint8_t* buffer, std::size_t length,
                        std::uint32_t* flags, nghttp2_data_source* source, void* user);
    static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* user);
    static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name, nghttp2_rcbuf* value,
                         std::uint8_t flags, void* user);
    static int on_invalid_header(nghttp2_session*, const nghttp2_frame* frame, nghttp2_rcbuf* name,
                                 nghttp2_rcbuf* value, std::uint8_t flags, void* user);
    static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int on_data_chunk(nghttp2_session*, std::uint8_t flags, std::int32_t id, const std::uint8_t* data,
                             std::size_t size, void* user);
    static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t error_code, void* user);
};

}  // namespace instatunnel::client
