#include "exchange.hpp"

#include <algorithm>
#include <charconv>

#include "instatunnel/base/names.hpp"
#include "upstream_connection.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

constexpr std::size_t max_kept_memory = 64 * 1024;  // of an exchange that waits for its next use

bool is_idempotent(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "TRACE" || method == "PUT" ||
           method == "DELETE";
}

bool expects_body(std::string_view method) {
    return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

// --- request ---------------------------------------------------------------------------------------------------------

void exchange::reset_state() {
    pending_.clear();
    input_.clear();
    trailers_.clear();
    unconsumed_ = head_seen_ = 0;
    reply_left_ = 0;
    status_ = 0;
    reply_ = reply::head;
    request_chunked_ = request_ended_ = body_sent_ = upgrade_ = push_ = paused_ = retried_ = false;
    interim_heads_ = 0;
    keep_ = true;
    conn_ = connecting_ = nullptr;
    filter_.reset();
    request_held_ = false;
    held_fields_.clear();
}

void exchange::start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    reset_state();
    stream_ = &s;
    s.set_events(*this);
    started_ = up_.loop().now();
    method_.assign(open.method);
    path_.assign(open.path.substr(0, open.path.find('?')));
    upgrade_ = !open.protocol.empty();
    request_ended_ = (flags & flag::end) != 0;
    request_chunked_ = !request_ended_ && !upgrade_ && open.content_length < 0;
    content_length_ = open.content_length;
    if (auto* const tools = up_.app().tools()) filter_ = std::make_unique<mcp::exchange_filter>(*tools);
    compose_head(open);
    if (filter_ != nullptr && hold_request(open)) return;
    end_head(content_length_);
    up_.acquire(*this);
}

void exchange::compose_head(const wire::itp::open_head& open) {
    auto& out = pending_;
    out.append(open.method).append(" ").append(open.path).append(" HTTP/1.1\r\n");
    switch (up_.options().host_mode) {
        case host_header::preserve:
            wire::append_field(out, "Host", open.authority);
            break;
        case host_header::fixed:
            wire::append_field(out, "Host", up_.options().host_value);
            break;
        case host_header::rewrite: {
            const auto& to = up_.options().upstream;
            wire::append_field(out, "Host", to.is_unix ? "localhost" : to.host + ":" + std::to_string(to.port));
            break;
        }
    }
    const bool filters = filter_ != nullptr && filter_->filters();
    for (const auto& f : open.fields)
        if (!filters || !iequals(f.name, "Accept-Encoding")) wire::append_field(out, f.name, f.value);
    if (filters) wire::append_field(out, "Accept-Encoding", "identity");
    if (upgrade_) {
        wire::append_field(out, "Connection", "Upgrade");
        wire::append_field(out, "Upgrade", open.protocol);
    }
}

void exchange::end_head(std::int64_t content_length) {
    auto& out = pending_;
    if (request_chunked_) {
        wire::append_field(out, "Transfer-Encoding", "chunked");
    } else if (content_length > 0 || (request_ended_ && expects_body(method_))) {
        char digits[20];
        const auto length = static_cast<std::uint64_t>(std::max<std::int64_t>(content_length, 0));
        wire::append_field(out, "Content-Length",
                           {digits, static_cast<std::size_t>(std::to_chars(digits, digits + 20, length).ptr - digits)});
    }
    out += "\r\n";
}

bool exchange::is_repeatable() const noexcept {
    return is_idempotent(method_) && request_ended_;
}

void exchange::on_connection(upstream_connection& c) {
    conn_ = &c;
    connecting_ = nullptr;
    stream_->accept();
    conn_->bytes().write(pending_);
    if (request_ended_ && upgrade_) conn_->bytes().finish_writing();
    if (unconsumed_ != 0) {
        body_sent_ = true;
        stream_->consumed(std::exchange(unconsumed_, 0));
    }
}

void exchange::send(std::string_view bytes, std::size_t credit) {
    if (conn_ == nullptr) {
        pending_.append(bytes);
        unconsumed_ += credit;
        return;
    }
    body_sent_ = true;
    conn_->bytes().write(bytes);
    if (credit == 0) return;
    if (conn_->bytes().is_congested())
        unconsumed_ += credit;
    else
        stream_->consumed(credit);
}

void exchange::on_data(engine::stream&, std::string_view bytes) {
    if (request_held_) return hold_data(bytes);
    if (!request_chunked_) return send(bytes, bytes.size());
    auto& text = up_.text;
    text.clear();
    wire::append_chunk_header(text, bytes.size());
    text.append(bytes).append("\r\n", 2);
    send(text, bytes.size());
}

void exchange::on_trailers(engine::stream&, const std::vector<wire::field>& fields) {
    trailers_.clear();
    for (const auto& f : fields)
        wire::append_field(trailers_, f.name, f.value);
}

void exchange::on_end(engine::stream&) {
    request_ended_ = true;
    if (request_held_) return end_held_request();
    finish_request();
}

void exchange::finish_request() {
    if (reply_ == reply::upgraded) {
        conn_->bytes().finish_writing();
        if (stream_->send_finished()) over();
        return;
    }
    if (request_chunked_) {
        up_.text.assign("0\r\n").append(trailers_).append("\r\n");
        send(up_.text, 0);
    }
}

void exchange::on_upstream_writable() {
    if (unconsumed_ != 0) stream_->consumed(std::exchange(unconsumed_, 0), engine::pace::waited);
}

void exchange::on_reset(engine::stream&, code, std::string_view) {
    over();
}

void exchange::on_stop(engine::stream&) {
    fail(code::cancelled, {});
}

void exchange::on_drained(engine::stream&) {
    if (paused_ && conn_ != nullptr) conn_->bytes().resume_reading();
}

// --- ends ------------------------------------------------------------------------------------------------------------

void exchange::on_upstream_broken() {
    upstream_ended(ending::broken);
}

// The app has ended its half of an upgraded connection; all it can still do is break the other one.
void exchange::read_past_end() {
    const auto space = up_.loop().scratch();
    if (conn_->bytes().read(space.data(), space.size()).status == net::read_status::broken)
        fail(code::origin_reset, {});
}

void exchange::upstream_ended(ending how) {
    keep_ = false;
    const bool may_just_end = reply_ == reply::until_close || reply_ == reply::upgraded;
    // A reply that was cut must not look whole.
    if (may_just_end && how == ending::broken) return fail(code::origin_reset, {});
    if (reply_ == reply::until_close) return reply_complete();
    if (reply_ == reply::upgraded) {
        stream_->finish();
        if (request_ended_) over();
        return;
    }
    if (reply_ == reply::head && may_retry()) {
        retried_ = true;
        conn_->discard();
        conn_ = nullptr;
        return up_.acquire_fresh(*this);
    }
    fail(code::origin_reset, {});
}

// A kept connection that the app closed while the request was on its way: the request was most likely never seen, and
// doing it twice is harmless.
bool exchange::may_retry() const noexcept {
    return !retried_ && conn_->is_reused() && input_.empty() && interim_heads_ == 0 && !body_sent_ &&
           is_idempotent(method_);
}

void exchange::on_connect_failed(errc why) {
    connecting_ = nullptr;
    const auto& name = up_.options().upstream.display;
    fail(why == errc::tls_failed       ? code::origin_tls
         : why == errc::target_timeout ? code::origin_timeout
                                       : code::origin_unreachable,
         name);
}

void exchange::fail(code why, std::string_view text) {
    if (stream_ == nullptr) return;
    if (status_ == 0) status_ = why == code::origin_timeout ? 504 : 502;
    keep_ = false;
    stream_->reset(why, text);
    over();
}

void exchange::over() {
    engine::stream* s = std::exchange(stream_, nullptr);
    if (filter_ != nullptr) up_.remove_event_stream(*this);
    request_info info;
    info.method = method_;
    info.path = path_;
    info.status = status_;
    info.bytes = s->bytes_sent() + s->queued();
    info.took = std::chrono::duration_cast<std::chrono::milliseconds>(up_.loop().now() - started_);
    if (connecting_ != nullptr)
        std::exchange(connecting_, nullptr)->abandon();
    else if (conn_ == nullptr)
        up_.forget_waiting(*this);
    else if (keep_ && request_ended_ && reply_ == reply::done && conn_->bytes().queued() == 0)
        conn_->give_back();
    else
        conn_->discard(reply_ == reply::upgraded ? upstream_connection::farewell::gentle
                                                 : upstream_connection::farewell::at_once);
    conn_ = nullptr;
    filter_.reset();
    if (pending_.capacity() > max_kept_memory) pending_ = {};
    s->release();
    up_.report(info);
    up_.give(*this);
}

}  // namespace instatunnel::client
