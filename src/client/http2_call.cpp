// The half of a call that sends: the request, its credit, and what happens when it cannot be carried on.

#include "http2_call.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http2_app_connection.hpp"
#include "http2_app_limits.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

// Below this a body waits for the end of the turn, where its end may join it in one frame.
constexpr std::size_t direct_body = 4096;

bool may_be_sent_twice(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" || method == "PUT" ||
           method == "DELETE";
}

// RFC 9113 §7: what the app said is what the visitor is told.
code code_for_app_error(std::uint32_t error_code) {
    switch (error_code) {
        case NGHTTP2_CANCEL:
            return code::cancelled;
        case NGHTTP2_REFUSED_STREAM:
            return code::refused;
        case NGHTTP2_ENHANCE_YOUR_CALM:
            return code::rate_limited;
        case NGHTTP2_HTTP_1_1_REQUIRED:
            return code::origin_version;
        default:
            return code::origin_aborted;
    }
}

}  // namespace

void stored_fields::clear() noexcept {
    text_.clear();
    entries_.clear();
}

void stored_fields::add(std::string_view name, std::string_view value) {
    entries_.push_back({text_.size(), name.size(), value.size()});
    text_.append(name).append(value);
}

void stored_fields::append_to(std::vector<nghttp2_nv>& out) const {
    const std::string_view all(text_);
    for (const auto& e : entries_)
        out.push_back(
            http2_app_field(all.substr(e.begin, e.name_size), all.substr(e.begin + e.name_size, e.value_size)));
}

void http2_call::reset_state() {
    head_.clear();
    trailers_.clear();
    held_.clear();
    sent_.clear();
    passing_ = {};
    websocket_key_.clear();
    begin_ = sent_twice_ = owed_ = unreturned_ = 0;
    taken_ = 0;
    id_ = 0;
    app_error_ = 0;
    status_ = 0;
    interim_heads_ = 0;
    reply_ = reply::head;
    connect_ = request_ended_ = accepted_ = app_reset_ = push_ = repeated_ = false;
    keeps_sent_ = true;
    conn_ = nullptr;
}

void http2_call::start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    reset_state();
    stream_ = &s;
    s.set_events(*this);
    started_ = up_.loop().now();
    method_.assign(open.method);
    path_.assign(open.path.substr(0, open.path.find('?')));
    // Any other Upgrade is one that HTTP/2 has no use for (RFC 9113 §8.6), and such a request has no body.
    connect_ = iequals(open.protocol, "websocket");
    request_ended_ = (flags & flag::end) != 0 || (!open.protocol.empty() && !connect_);
    compose_head(open);
    up_.acquire(*this);
}

void http2_call::compose_head(const wire::itp::open_head& open) {
    const auto& options = up_.options();
    head_.add(":method", connect_ ? std::string_view("CONNECT") : open.method);
    head_.add(":scheme", options.upstream.is_tls ? "https" : "http");
    switch (options.host_mode) {
        case host_header::preserve:
            head_.add(":authority", open.authority);
            break;
        case host_header::fixed:
            head_.add(":authority", options.host_value);
            break;
        case host_header::rewrite: {
            const auto& to = options.upstream;
            head_.add(":authority", to.is_unix ? "localhost" : to.host + ":" + std::to_string(to.port));
            break;
        }
    }
    head_.add(":path", open.path);
    if (connect_) head_.add(":protocol", "websocket");
    add_body_fields(open);
}

void http2_call::add_body_fields(const wire::itp::open_head& open) {
    for (const auto& f : open.fields) {
        if (connect_ && iequals(f.name, "sec-websocket-key")) {
            websocket_key_.assign(f.value);  // HTTP/2 has no use for it (RFC 8441 §5.1); the visitor wants its answer
            continue;
        }
        head_.add(f.name, f.value);
    }
    if (connect_) return;
    head_.add("te", "trailers");
    if (open.content_length < 0 || request_ended_) return;
    char digits[20];
    const auto* end = std::to_chars(digits, digits + sizeof digits, open.content_length).ptr;
    head_.add("content-length", {digits, static_cast<std::size_t>(end - digits)});
}

void http2_call::on_connection(http2_app_connection& c) {
    if (connect_ && !c.allows_connect())
        return fail(code::origin_version, "it takes no WebSocket over HTTP/2 (RFC 8441)");
    if (!std::exchange(accepted_, true)) stream_->accept();
    auto& fields = up_.fields;
    fields.clear();
    head_.append_to(fields);
    conn_ = &c;
    const bool bodiless = request_ended_ && held() == 0 && trailers_.empty();
    if (c.submit(*this, fields, bodiless)) return;
    conn_ = nullptr;
    up_.acquire(*this);
}

// --- body ------------------------------------------------------------------------------------------------------------

void http2_call::hold(std::string_view bytes) {
    if (begin_ != 0 && begin_ >= held()) {
        held_.erase(0, begin_);
        begin_ = 0;
    }
    held_.append(bytes);
}

void http2_call::on_data(engine::stream&, std::string_view bytes) {
    if (request_ended_) return;
    if (conn_ == nullptr) return hold(bytes);
    conn_->send(*this, bytes, /*now=*/bytes.size() >= direct_body);
}

void http2_call::on_trailers(engine::stream&, const std::vector<wire::field>& fields) {
    trailers_.clear();
    for (const auto& f : fields)
        trailers_.add(f.name, f.value);
}

const std::vector<nghttp2_nv>& http2_call::trailers() {
    up_.fields.clear();
    trailers_.append_to(up_.fields);
    return up_.fields;
}

void http2_call::on_end(engine::stream&) {
    if (std::exchange(request_ended_, true)) return;
    if (conn_ != nullptr) conn_->resume(*this);
}

void http2_call::on_taken(std::string_view bytes, bool waited) {
    if (keeps_sent_ && sent_.size() + bytes.size() <= http2_app_limits::repeatable_body)
        sent_.append(bytes);
    else
        stop_keeping();
    const auto twice = std::min(sent_twice_, bytes.size());
    sent_twice_ -= twice;
    const auto credit = bytes.size() - twice;
    if (conn_->is_congested())
        owed_ += credit;
    else
        stream_->consumed(credit, waited ? engine::pace::waited : engine::pace::free);
}

void http2_call::on_writable() {
    if (owed_ != 0) stream_->consumed(std::exchange(owed_, 0), engine::pace::waited);
}

// --- ends ------------------------------------------------------------------------------------------------------------

void http2_call::on_reset(engine::stream&, code, std::string_view) {
    over(NGHTTP2_CANCEL);
}

void http2_call::on_stop(engine::stream&) {
    fail(code::cancelled, {});
}

void http2_call::on_app_reset(std::uint32_t error_code) {
    app_reset_ = true;
    app_error_ = error_code;
}

// The stream has ended before the reply was whole: by the app, by its GOAWAY, or since what it sent is no HTTP.
void http2_call::on_closed(std::uint32_t error_code) {
    conn_ = nullptr;
    id_ = 0;
    // Both sides of a WebSocket have ended, and all of it has left.
    if (reply_ == reply::upgraded && !app_reset_ && request_ended_ && stream_->send_finished())
        return over(NGHTTP2_NO_ERROR);
    const bool refused = error_code == NGHTTP2_REFUSED_STREAM;
    if (refused && may_repeat()) return repeat();
    if (app_reset_) {
        const auto why = code_for_app_error(app_error_);
        return fail(why, why == code::origin_version ? "it wants HTTP/1.1 for this request" : "");
    }
    if (refused) return fail(code::refused, {});
    fail(error_code == NGHTTP2_NO_ERROR ? code::origin_reset : code::origin_bad_response, {});
}

void http2_call::on_connect_failed(code why, std::string_view text) {
    fail(why, text);
}

void http2_call::on_connection_lost(code why) {
    // A kept connection that the app closed while the request was on its way: the request was most likely never seen,
    // and doing it twice is harmless.
    const bool dead_before = conn_->is_reused() && why == code::origin_reset && may_be_sent_twice(method_);
    conn_ = nullptr;
    id_ = 0;
    if (dead_before && may_repeat()) return repeat();
    fail(why, {});
}

void http2_call::stop_keeping() noexcept {
    keeps_sent_ = false;
    sent_.clear();
}

void http2_call::repeat() {
    repeated_ = true;
    app_reset_ = false;
    sent_twice_ = sent_.size() + std::exchange(sent_twice_, 0);
    sent_.append(held_, begin_, std::string::npos).append(std::exchange(passing_, {}));
    held_.swap(sent_);
    sent_.clear();
    begin_ = 0;
    // What stood in the connection's queue will be sent again, but has its credit coming.
    if (owed_ != 0) stream_->consumed(std::exchange(owed_, 0), engine::pace::waited);
    up_.acquire(*this);
}

void http2_call::fail(code why, std::string_view text) {
    if (stream_ == nullptr) return;
    if (status_ == 0) status_ = why == code::origin_timeout ? 504 : 502;
    stream_->reset(why, text);
    over(NGHTTP2_CANCEL);
}

void http2_call::over(std::uint32_t error_code) {
    engine::stream* s = std::exchange(stream_, nullptr);
    request_info info;
    info.method = method_;
    info.path = path_;
    info.status = status_;
    info.bytes = s->bytes_sent() + s->queued();
    info.took = std::chrono::duration_cast<std::chrono::milliseconds>(up_.loop().now() - started_);
    passing_ = {};
    if (conn_ != nullptr)
        std::exchange(conn_, nullptr)->let_go(*this, error_code);
    else
        up_.forget_waiting(*this);
    id_ = 0;
    s->release();
    up_.app().report(info);
    up_.give(*this);
}

}  // namespace instatunnel::client
