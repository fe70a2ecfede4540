#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "instatunnel/engine/session.hpp"
#include "local_app.hpp"

namespace instatunnel::client {

class http2_call;
class http2_app_connection;

/// The local app over HTTP/2: a few connections that many calls share, and the calls that wait for room on one. One
/// loop's thread.
class http2_upstream final {
public:
    /// `app` outlives it.
    explicit http2_upstream(local_app& app);
    ~http2_upstream();

    /// Carries a stream that the edge opened to the app and back.
    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags);

    // For calls and connections.
    local_app& app() noexcept { return app_; }
    net::event_loop& loop() noexcept { return app_.loop(); }
    const tunnel_options& options() const noexcept { return app_.options(); }
    /// A connection for `c`, now or later.
    void acquire(http2_call& c);
    void forget_waiting(http2_call& c) noexcept;
    void give(http2_call& c) { spare_.push_back(&c); }
    /// It takes calls from now on.
    void ready(http2_app_connection& k);
    /// It never will; static text.
    void connect_failed(http2_app_connection& k, engine::code why, std::string_view text);
    /// It is gone, and has told its calls.
    void closed(http2_app_connection& k);
    /// There may be room again, or a connection less.
    void serve_waiting();

    // Reused by whichever call is being served.
    wire::itp::reply_head reply;
    std::vector<wire::field> trailers;
    std::vector<nghttp2_nv> fields;

private:
    http2_app_connection* find_room();
    bool may_open() const noexcept;
    void fail_waiting(engine::code why, std::string_view text);
    void tell_person(engine::code why, std::string_view text);

    local_app& app_;
    std::vector<http2_app_connection*> connections_;  ///< kept by the loop
    http2_app_connection* connecting_ = nullptr;      ///< one of them
    std::deque<http2_call*> waiting_;
    std::vector<std::unique_ptr<http2_call>> calls_;  ///< as many as were ever busy at once
    std::vector<http2_call*> spare_;
    unsigned useless_ = 0;  ///< connections in a row that ended before a call could use them
    bool serving_waiting_ = false;
    bool told_ = false;
};

/// A field for nghttp2, which copies both and writes names in lower case; lives as long as the views.
inline nghttp2_nv http2_app_field(std::string_view name, std::string_view value) {
    // The library's interface knows no const.
    return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
}

}  // namespace instatunnel::client
