// The half of a call that receives: the reply and its window.

#include <algorithm>

#include "http2_app_connection.hpp"
#include "http2_app_limits.hpp"
#include "http2_call.hpp"
#include "instatunnel/base/encoding.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

// A piece this small is most likely a whole message of somebody who waits for it.
constexpr std::size_t message_size = 4096;

}  // namespace

void http2_call::on_section(const http2_section& section, bool ended) {
    stop_keeping();
    if (!section.fault().empty()) return fail(code::origin_bad_response, section.fault());
    if (reply_ == reply::upgraded) return fail(code::origin_bad_response, "fields inside of a WebSocket");
    if (reply_ == reply::body) {
        section.fields(up_.trailers);
        if (!up_.trailers.empty()) stream_->send_trailers(up_.trailers);
        return reply_complete();
    }
    if (section.status() == 101) return fail(code::origin_bad_response, "101 over HTTP/2");
    if (section.status() < 200) return send_interim(section);
    begin_reply(section, ended);
}

void http2_call::send_interim(const http2_section& section) {
    // Hints, each of them; an app that sends them without end is not followed.
    if (++interim_heads_ > http2_app_limits::interim_heads) return;
    auto& out = up_.reply;
    out.status = static_cast<std::uint16_t>(section.status());
    out.content_length = -1;
    section.fields(out.fields);
    stream_->send_reply(out, flag::interim);
}

void http2_call::begin_reply(const http2_section& section, bool ended) {
    status_ = section.status();
    push_ = section.is_event_stream();
    auto& out = up_.reply;
    out.status = static_cast<std::uint16_t>(status_);
    out.content_length = section.content_length();
    section.fields(out.fields);
    stream_->watch_progress();
    if (connect_ && status_ < 300) return switch_protocols(ended);
    reply_ = reply::body;
    stream_->send_reply(out, ended ? flag::end : std::uint8_t{0});
    if (stream_->is_dead()) {  // longer than the protocol carries
        status_ = 502;
        return over(NGHTTP2_CANCEL);
    }
    if (ended) reply_complete();
}

// For the tunnel it is what HTTP/1.1 would have said.
void http2_call::switch_protocols(bool ended) {
    reply_ = reply::upgraded;
    push_ = true;
    status_ = 101;
    auto& out = up_.reply;
    out.status = 101;
    out.content_length = -1;
    const auto accept = websocket_accept(websocket_key_);
    std::erase_if(out.fields, [](const wire::field& f) { return f.name == "sec-websocket-accept"; });
    out.fields.insert(out.fields.begin(), {wire::itp::upgrade_field, "websocket"});
    out.fields.push_back({"Sec-WebSocket-Accept", accept});
    stream_->send_reply(out, flag::upgraded);
    if (stream_->is_dead()) return over(NGHTTP2_CANCEL);
    if (ended) on_body_end();
}

void http2_call::on_body(std::string_view bytes) {
    if (bytes.empty()) return;
    unreturned_ += bytes.size();
    stream_->write(bytes, push_ || (bytes.size() < message_size && stream_->queued() == 0));
    give_window();
}

// The app may send as much more as the tunnel has taken.
void http2_call::give_window() {
    const auto given = stream_->bytes_sent() - taken_;
    if (given == 0 || conn_ == nullptr) return;
    const auto give = static_cast<std::size_t>(std::min<std::uint64_t>(given, unreturned_));
    taken_ += give;
    unreturned_ -= give;
    if (give != 0) conn_->consume(*this, give);
}

void http2_call::on_body_end() {
    if (reply_ != reply::upgraded) return reply_complete();
    stream_->finish();  // over when the visitor's side has ended and left too: on_closed()
}

void http2_call::reply_complete() {
    stream_->finish();
    over(NGHTTP2_NO_ERROR);
}

}  // namespace instatunnel::client
