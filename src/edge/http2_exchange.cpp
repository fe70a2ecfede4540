#include "http2_exchange.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

// Below this a reply waits for the end of the turn, where its end may join it in one frame.
constexpr std::size_t direct_size = 4096;

std::array<char, 3> status_digits(int status) {
    return {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
            static_cast<char>('0' + status % 10)};
}

}  // namespace

std::uint32_t http2_reset_code(code why, bool upgraded) noexcept {
    switch (why) {
        case code::cancelled:
            return NGHTTP2_CANCEL;
        case code::rate_limited:
            return NGHTTP2_ENHANCE_YOUR_CALM;
        case code::origin_reset:
        case code::origin_aborted:
        case code::session_lost:
            return upgraded ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR;
        default:
            return NGHTTP2_INTERNAL_ERROR;
    }
}

// --- request ---------------------------------------------------------------------------------------------------------

void http2_exchange::start(http2_head& head, bool ended) {
    auto& request = w_.request;
    const auto verdict = head.finish(ended, w_.limits.head, request);
    connect_ = head.is_connect();
    input_over_ = ended;
    window_ = w_.limits.http2.stream_window;
    prepare(request, 20, ended || connect_);
    if (verdict != http2_head::verdict::good) {
        log::debug("visitor.refused")
            .with("from", origin_.peer.address)
            .with("status", head.status())
            .with("rule", head.reason());
        return refuse(head.status(), "bad_request", head.reason(), {}, /*is_last=*/false, limit_behind(head.reason()));
    }
    if (connect_ && request.upgrade == "websocket") add_websocket_key(request);
    serve(request);
    if (stream_ != nullptr) stream_->watch_progress();
}

// The handshake of HTTP/1 has a key that HTTP/2 has no use for (RFC 8441 §5.1); the app wants one.
void http2_exchange::add_websocket_key(wire::request_head& head) {
    std::array<unsigned char, 16> bytes{};
    fill_random(bytes);
    websocket_key_ = to_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    std::erase_if(head.fields, [](const wire::field& f) { return f.name == "sec-websocket-key"; });
    head.fields.push_back({"Sec-WebSocket-Key", websocket_key_});
    const bool has_version =
        std::ranges::any_of(head.fields, [](const wire::field& f) { return f.name == "sec-websocket-version"; });
    if (!has_version) head.fields.push_back({"Sec-WebSocket-Version", "13"});
}

void http2_exchange::on_body(std::string_view bytes) {
    uncredited_ += bytes.size();
    if (lingers_) return drop_rest();
    if (connect_ && !upgraded_) {
        // Until the app agrees these bytes would be a second request to it. Bounded by the stream's window.
        if (stream_ != nullptr || is_waiting()) early_.append(bytes);
    } else {
        forward_body(bytes, /*push=*/upgraded_);
    }
    give_credit();
}

void http2_exchange::on_body_end(std::vector<wire::field>& trailers) {
    input_over_ = true;
    if (connect_) {
        if (!upgraded_ || stream_ == nullptr) return;
        stream_->finish();
        if (stream_->receive_finished()) drop_stream();
        return;
    }
    if (!request_done_) finish_request(trailers);
}

// The visitor may send as much as the tunnel took; nothing is waited for where there is no tunnel (any more).
void http2_exchange::give_credit() {
    if (is_waiting()) return;
    auto give = uncredited_;
    if (stream_ != nullptr && !stopped_)
        give = static_cast<std::size_t>(std::min<std::uint64_t>(give, stream_->bytes_sent() - taken_));
    if (give == 0) return;
    uncredited_ -= give;
    taken_ += give;
    if (stream_ != nullptr && !stopped_) widen_window(give);
    session().consume(id(), give);
}

// A tunnel that takes all of two windows at once waits for the visitor: the round trip is longer than the window.
void http2_exchange::widen_window(std::size_t taken) {
    taken_freely_ = stream_->queued() == 0 ? taken_freely_ + taken : 0;
    if (taken_freely_ < 2ull * window_ || window_ >= w_.limits.http2.stream_window_max || input_over_) return;
    taken_freely_ = 0;
    window_ *= 2;
    session().grow_window(id(), window_);
}

void http2_exchange::on_set_out() {
    stream_->watch_progress();
    give_credit();
}

void http2_exchange::on_stop(engine::stream&) {
    stopped_ = true;  // the app has read enough: what still comes is read and dropped
    give_credit();
}

// --- reply -----------------------------------------------------------------------------------------------------------

void http2_exchange::send_reply_head(int status, const wire::itp::reply_head& head, bool ended) {
    const auto digits = status_digits(status);
    char length[20];
    auto& fields = session().fresh_fields();
    fields.push_back(http2_field(":status", {digits.data(), digits.size()}));
    for (const auto& f : head.fields) {
        if (!may_reach_visitor(f, w_.domain)) continue;
        if (upgraded_ && iequals(f.name, "sec-websocket-accept")) continue;
        fields.push_back(http2_field(f.name, f.value));
    }
    if (status < 200) return session().send_interim(*this, fields);
    // Told even where no body follows (HEAD, 304; RFC 9110 §8.6), but never with 204 or a tunnel.
    if (head.content_length >= 0 && status != 204 && !upgraded_) {
        const auto end = std::to_chars(length, length + sizeof length, head.content_length).ptr;
        fields.push_back(http2_field("content-length", {length, static_cast<std::size_t>(end - length)}));
    }
    session().send_head(*this, fields, ended);
}

void http2_exchange::on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) {
    if ((flags & flag::upgraded) != 0) return switch_protocols(head);
    if ((flags & flag::interim) != 0) {
        if (head.status == 100 && std::exchange(continue_pending_, false)) arm_wait(w_.limits.body_window);
        // Interim heads are hints: one that nobody reads is not worth memory.
        if (!of_.is_congested()) send_reply_head(head.status, head, /*ended=*/false);
        return;
    }
    // 2xx would say that the visitor's bytes now reach another protocol (RFC 8441 §5).
    if (connect_ && head.status < 300) return fail_stream(code::origin_bad_response, {});
    const bool ended = (flags & flag::end) != 0;
    begin_reply(head, {/*visitor_is_http10=*/false, head_request_, /*keep_alive=*/true, ended});
    send_reply_head(head.status, head, ended);
    if (event_stream_)
        timer_.cancel();
    else
        arm(w_.limits.reply_idle);
}

bool http2_exchange::accepts_websocket(const wire::itp::reply_head& head) const {
    if (websocket_key_.empty()) return true;
    const auto expected = websocket_accept(websocket_key_);
    return std::ranges::any_of(head.fields, [&](const wire::field& f) {
        return iequals(f.name, "sec-websocket-accept") && f.value == expected;
    });
}

void http2_exchange::switch_protocols(const wire::itp::reply_head& head) {
    // Only what was asked for may be switched to.
    if (!connect_ || protocol_.empty() || !accepts_websocket(head) ||
        !iequals(wire::itp::take_upgrade(head, protocol_), protocol_))
        return fail_stream(code::origin_bad_response, {});
    upgraded_ = reply_started_ = request_done_ = true;
    note_upgrade();
    timer_.cancel();
    send_reply_head(200, head, /*ended=*/false);
    if (!early_.empty()) {
        forward_body(early_, /*push=*/true);
        std::string().swap(early_);
        give_credit();
    }
    if (input_over_) stream_->finish();
}

void http2_exchange::on_data(engine::stream& s, std::string_view bytes) {
    const auto size = bytes.size();
    if (!upgraded_ && !admit_reply(bytes)) return fail_stream(code::origin_bad_response, {});
    if (bytes.empty()) return s.consumed(size);
    count_reply(bytes.size());
    const bool last = !upgraded_ && framing_ == reply_framing::length && reply_left_ == 0;
    session().send(*this, bytes, /*now=*/!last && bytes.size() >= direct_size);
}

void http2_exchange::on_taken(std::size_t bytes, bool waited) {
    if (!event_stream_ && !upgraded_) arm(w_.limits.reply_idle);
    if (stream_ == nullptr) return;
    if (of_.is_congested())
        owed_ += bytes;
    else
        stream_->consumed(bytes, waited ? engine::pace::waited : engine::pace::free);
}

void http2_exchange::on_writable() {
    if (owed_ != 0 && stream_ != nullptr) stream_->consumed(std::exchange(owed_, 0), engine::pace::waited);
}

void http2_exchange::on_trailers(engine::stream&, const std::vector<wire::field>& fields) {
    if (framing_ == reply_framing::none || upgraded_) return;
    for (const auto& f : fields)
        if (may_be_trailer(f.name)) session().add_trailer(*this, f.name, f.value);
}

void http2_exchange::on_end(engine::stream&) {
    if (upgraded_) {
        session().finish(*this);
        if (stream_->send_finished() || input_over_) return drop_stream();
        return arm(w_.limits.reply_idle);  // the other half may go on, but not for ever
    }
    if (!reply_started_ || reply_left_ != 0) return fail_stream(code::origin_reset, {});
    reply_done_ = true;
    session().finish(*this);
    drop_stream();
}

// --- answers of the edge and ends ------------------------------------------------------------------------------------

void http2_exchange::answer(const edge_answer& a) {
    if (closed_) return;
    const auto digits = status_digits(a.status);
    const auto length = std::to_string(a.body.size());
    const bool bodiless = a.status == 204 || a.status == 304;
    auto& fields = session().fresh_fields();
    fields.push_back(http2_field(":status", {digits.data(), digits.size()}));
    for (const auto& f : a.extra_fields)
        fields.push_back(http2_field(f.name, f.value));
    if (!bodiless && !a.content_type.empty()) fields.push_back(http2_field("content-type", a.content_type));
    if (!bodiless) fields.push_back(http2_field("content-length", length));
    const bool ended = bodiless || head_request_ || a.body.empty();
    session().send_head(*this, fields, ended);
    if (!ended) {
        session().send(*this, a.body, /*now=*/false);
        session().finish(*this);
    }
    reply_started_ = reply_done_ = request_done_ = true;
    forget();
    arm(w_.limits.reply_idle);  // for a visitor who does not take it
}

void http2_exchange::send_continue() {
    auto& fields = session().fresh_fields();
    fields.push_back(http2_field(":status", "100"));
    session().send_interim(*this, fields);
}

void http2_exchange::cut(code why) {
    if (closed_) return;
    drop_stream();
    forget();
    session().flush();  // a reset overtakes what is queued, and the visitor should see how far the reply came
    timer_.cancel();
    if (!closed_) session().reset(*this, http2_reset_code(why, upgraded_));
}

// What is left of the request interests nobody (RFC 9113 §8.1). Told at once it costs some visitors (curl 7.88) the
// reply that they have not read yet, and simple ones read nothing before they have sent all. So it is read and dropped
// for as long as a connection may linger; most end their request in that time.
void http2_exchange::on_reply_left() {
    if (upgraded_) return;
    lingers_ = true;
    drop_rest();
    arm(w_.limits.http2.linger);
}

void http2_exchange::drop_rest() {
    session().consume(id(), std::exchange(uncredited_, 0));
}

void http2_exchange::on_timer() {
    if (!lingers_) return on_exchange_timeout();
    session().reset(*this, NGHTTP2_NO_ERROR);
}

void http2_exchange::on_closed(std::uint32_t) {
    const auto left = std::exchange(uncredited_, 0);
    abandon();
    session().consume(id(), left);
    of_.ended(*this);
}

void http2_exchange::abandon() {
    closed_ = true;
    timer_.cancel();
    drop_stream();
    forget();
}

}  // namespace instatunnel::edge
