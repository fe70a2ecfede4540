#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "instatunnel/wire/itp_frame.hpp"
#include "instatunnel/wire/itp_head.hpp"

namespace instatunnel::engine {

/// Sees what passes through one stream of a client, whatever answers it: hands off, it cannot change or hold anything.
/// The request is what the peer sends, the reply what this side sends, in the order in which the stream's owner gave
/// it. Views live during the call. Called on the session's thread, in the middle of its work: the stream and the
/// session must not be called back.
///
/// The stream owns its tap and destroys it with itself: what has not ended by then never will.
class stream_tap {
public:
    enum class side : std::uint8_t { peer, here };

    stream_tap() = default;
    virtual ~stream_tap() = default;
    stream_tap(const stream_tap&) = delete;
    stream_tap& operator=(const stream_tap&) = delete;

    virtual void on_request_data(std::string_view bytes) = 0;
    virtual void on_request_trailers(const std::vector<wire::field>& fields) = 0;
    virtual void on_request_end() = 0;

    /// Interim heads (flag::interim) too.
    virtual void on_reply_head(const wire::itp::reply_head& head, std::uint8_t flags) = 0;
    /// Bytes that were queued; the peer may stop the stream before all of them have left.
    virtual void on_reply_data(std::string_view bytes) = 0;
    virtual void on_reply_trailers(const std::vector<wire::field>& fields) = 0;
    virtual void on_reply_end() = 0;

    /// Both directions are dead. code::cancelled from here after an ended reply: nobody wanted the rest of the request.
    virtual void on_reset(side by, wire::itp::code why, std::string_view text) = 0;
};

}  // namespace instatunnel::engine
