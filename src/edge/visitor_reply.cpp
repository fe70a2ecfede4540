// The half of a visitor that writes: replies from the tunnel, pages of the edge itself, back-pressure.

#include <charconv>

#include "error_page.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "lane.hpp"
#include "visitor.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

struct reset_answer {
    int status;
    std::string_view message;
    std::string_view hint;
};

reset_answer answer_for(code why) {
    switch (why) {
        case code::origin_unreachable:
            return {502, "Failed to reach local server", "Start the local program; the tunnel itself works."};
        case code::origin_timeout:
            return {504, "The local server did not answer in time", "Look at the local program's log."};
        case code::origin_reset:
            return {502, "The local server closed the connection without an answer",
                    "Look at the local program's log."};
        case code::origin_bad_response:
            return {502, "The local server's answer is not valid HTTP", "Check that the tunnel's port speaks HTTP."};
        case code::origin_tls:
            return {502, "The local server's TLS certificate was refused", "Look at the tunnel's terminal."};
        case code::session_lost:
            return {502, "The tunnel's connection was lost while the request was under way",
                    "It usually comes back within seconds: try again."};
        case code::refused:
        case code::limit_streams:
            return {503, "The tunnel carries as many requests as it can right now", "Try again in a moment."};
        case code::draining:
            return {503, "The tunnel is being closed", "Try again in a moment."};
        case code::body_too_large:
            return {413, "The request body is too large", {}};
        case code::head_too_large:
            return {502, "The fields of the local server's answer are too large", {}};
        case code::policy_denied:
            return {403, "The tunnel does not allow this request", {}};
        default:
            return {502, "The tunnel ended the request", "Try again."};
    }
}

bool is_event_stream(const wire::itp::reply_head& head) {
    for (const auto& f : head.fields)
        if (f.name.size() == 12 && iequals(f.name, "content-type")) return f.value.starts_with("text/event-stream");
    return false;
}

}  // namespace

void visitor::on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) {
    if (state_ == state::closing) return;
    auto& text = w_.text;
    text.clear();
    if ((flags & flag::upgraded) != 0) {
        // Only what was asked for may be switched to.
        if (protocol_.empty()) return fail_stream(code::origin_bad_response, {});
        append_interim_head(text, head, wire::itp::take_upgrade(head, protocol_), w_.domain);
        conn_->write(text);
        reply_started_ = request_done_ = true;
        state_ = state::upgraded;
        timer_.cancel();
        conn_->keep_buffers(false);
        if (!input_.empty() && !in_consume_) consume({});
        if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
        return;
    }
    if ((flags & flag::interim) != 0) {
        if (head.status == 100 && std::exchange(continue_pending_, false)) arm(w_.limits.body_window);
        // Interim heads are hints: one that nobody reads is not worth memory.
        if (http10_ || conn_->is_congested()) return;
        append_interim_head(text, head, {}, w_.domain);
        conn_->write(text);
        return;
    }
    // The reply may come before the request's body has ended: then the rest of the body is of no interest and the
    // connection of no use.
    if (!request_done_) keep_alive_ = false;
    continue_pending_ = false;
    const bool ended = (flags & flag::end) != 0;
    reply_plan plan{http10_, head_request_, keep_alive_, ended};
    framing_ = choose_framing(head, plan);
    if (framing_ == reply_framing::close) plan.keep_alive = keep_alive_ = false;
    reply_left_ = framing_ == reply_framing::length && head.content_length > 0
                      ? static_cast<std::uint64_t>(head.content_length)
                      : 0;
    event_stream_ = is_event_stream(head);
    reply_started_ = true;
    if (!protocol_.empty() && stream_ != nullptr && !stream_->send_finished()) {
        // The app declined to upgrade: the request had no body, so nothing more goes its way.
        request_done_ = true;
        stream_->finish();
    }
    append_reply_head(text, head, plan, framing_, w_.domain);
    conn_->write(text);
    if (!event_stream_) return arm(w_.limits.reply_idle);
    timer_.cancel();
    conn_->keep_buffers(false);
}

void visitor::on_data(engine::stream& s, std::string_view bytes) {
    if (state_ == state::closing) return;
    const auto size = bytes.size();
    if (state_ != state::upgraded) {
        if (!event_stream_) arm(w_.limits.reply_idle);
        if (framing_ == reply_framing::none) {
            bytes = {};
        } else if (framing_ == reply_framing::length) {
            // More than announced would be read as the start of the next reply.
            if (bytes.size() > reply_left_) return fail_stream(code::origin_bad_response, {});
            reply_left_ -= bytes.size();
        }
    }
    route_->bytes_out += bytes.size();
    write_reply_part(bytes);
    if (conn_ != nullptr && conn_->is_congested())
        owed_ += size;
    else
        s.consumed(size);
}

void visitor::write_reply_part(std::string_view bytes) {
    if (framing_ == reply_framing::chunked && state_ != state::upgraded) {
        auto& text = w_.text;
        text.clear();
        wire::append_chunk_header(text, bytes.size());
        text.append(bytes).append("\r\n", 2);
        conn_->write(text);
        return;
    }
    conn_->write(bytes);
}

void visitor::on_writable() {
    if (owed_ != 0 && stream_ != nullptr) stream_->consumed(std::exchange(owed_, 0), engine::pace::waited);
    if (state_ != state::reading_head) return;
    if (!input_.empty()) consume({});
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::on_trailers(engine::stream&, const std::vector<wire::field>& fields) {
    if (framing_ != reply_framing::chunked) return;  // HTTP/1.0 and counted replies have no place for them
    for (const auto& f : fields)
        if (may_be_trailer(f.name)) trailers_.append(f.name).append(": ").append(f.value).append("\r\n");
}

void visitor::on_end(engine::stream&) {
    if (state_ == state::closing) return;
    if (state_ == state::upgraded) {
        conn_->finish_writing();
        if (stream_ != nullptr && (stream_->send_finished() || input_over_)) return close(/*cleanly=*/true);
        arm(w_.limits.reply_idle);  // the other half may go on, but not for ever
        return;
    }
    if (!reply_started_ || reply_left_ != 0) return fail_stream(code::origin_reset, {});
    if (framing_ == reply_framing::chunked) {
        auto& text = w_.text;
        text.assign("0\r\n").append(trailers_).append("\r\n");
        conn_->write(text);
    }
    reply_ended();
}

void visitor::reply_ended() {
    reply_done_ = true;
    drop_stream();
    exchange_over();
}

void visitor::on_stop(engine::stream&) {
    // The app has read enough of the body; what still comes is read and dropped by the stream.
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::on_accepted(engine::stream&) {}

void visitor::on_reset(engine::stream&, code why, std::string_view text) {
    if (state_ == state::closing) return;
    fail_stream(why, text);
}

// The tunnel could not carry the exchange to its end.
void visitor::fail_stream(code why, std::string_view text) {
    drop_stream();
    if (reply_started_) return close(/*cleanly=*/false);  // never a clean end of a reply that is not whole
    const auto answer = answer_for(why);
    std::string message(answer.message);
    // The client names what it tried: "localhost:3000".
    if (why == code::origin_unreachable && !text.empty()) message.append(" ").append(text);
    if (w_.failure_lines.take(w_.loop.now()))
        log::info("request.failed")
            .with("request", request_id_)
            .with("host", route_->tunnel.host)
            .with("status", answer.status)
            .with("reason", wire::itp::code_name(why));
    refuse(answer.status, wire::itp::code_name(why), message, answer.hint, request_done_ && keep_alive_);
}

void visitor::refuse(int status, std::string_view code_name, std::string_view message, std::string_view hint,
                     bool keep) {
    // Inside a reply that has begun, a second one would be read as part of its body.
    if (reply_started_ && !reply_done_) return close(/*cleanly=*/false);
    const auto id = std::to_string(request_id_);
    const bool is_limit = code_name == "rate_limited" || code_name == "too_many_streams";
    const auto support = is_limit ? std::string_view(w_.support_contact) : std::string_view();
    const auto page = render({status, code_name, message, hint, id, support}, accept_);
    std::string extra = "X-Instatunnel-Error: ";
    extra.append(code_name).append("\r\nCache-Control: no-store\r\n");
    if (status == 503 || status == 429) extra += "Retry-After: 2\r\n";
    send_simple(status, page.content_type, page.body, extra, keep);
}

void visitor::send_simple(int status, std::string_view content_type, std::string_view body,
                          std::string_view extra_fields, bool keep) {
    if (state_ == state::closing) return;
    keep_alive_ = keep;
    std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
    text.append(wire::reason_phrase(status)).append("\r\n").append(extra_fields);
    const bool bodiless = status == 204 || status == 304;
    if (!bodiless && !content_type.empty()) text.append("Content-Type: ").append(content_type).append("\r\n");
    if (!bodiless) text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    if (!keep)
        text += "Connection: close\r\n";
    else if (http10_)
        text += "Connection: keep-alive\r\n";
    text += "\r\n";
    if (!head_request_ && !bodiless) text += body;
    conn_->write(text);
    reply_started_ = reply_done_ = true;
    exchange_over();
}

}  // namespace instatunnel::edge
