// The half of a visitor that writes: replies from the tunnel, pages of the edge itself, back-pressure.

#include "visitor.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;

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
        note_upgrade();
        state_ = state::upgraded;
        timer_.cancel();
        conn_->keep_buffers(false);
        if (!input_.empty() && !in_consume_) consume({});
        if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
        return;
    }
    if ((flags & flag::interim) != 0) {
        if (head.status == 100 && std::exchange(continue_pending_, false)) arm_wait(w_.limits.body_window);
        // Interim heads are hints: one that nobody reads is not worth memory.
        if (version_ == 10 || conn_->is_congested()) return;
        append_interim_head(text, head, {}, w_.domain);
        conn_->write(text);
        return;
    }
    // The reply may come before the request's body has ended: then the rest of the body is of no interest and the
    // connection of no use.
    if (!request_done_) keep_alive_ = false;
    reply_plan plan{version_ == 10, head_request_, keep_alive_, (flags & flag::end) != 0};
    begin_reply(head, plan);
    if (framing_ == reply_framing::close) plan.keep_alive = keep_alive_ = false;
    append_reply_head(text, head, plan, framing_, w_.domain);
    conn_->write(text);
    if (!event_stream_) return arm(w_.limits.reply_idle);
    timer_.cancel();
    conn_->keep_buffers(false);
}

void visitor::on_data(engine::stream& s, std::string_view bytes) {
    if (state_ == state::closing) return;
    const auto size = bytes.size();
    if (state_ != state::upgraded && !admit_reply(bytes)) return fail_stream(code::origin_bad_response, {});
    count_reply(bytes.size());
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
        if (may_be_trailer(f.name)) wire::append_field(trailers_, f.name, f.value);
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
    reply_done_ = true;
    drop_stream();
    exchange_over();
}

void visitor::on_stop(engine::stream&) {
    // The app has read enough of the body; what still comes is read and dropped by the stream.
    if (reading_paused_ && state_ != state::closing) conn_->resume_reading();
}

void visitor::on_reset(engine::stream& s, code why, std::string_view text) {
    if (state_ != state::closing) exchange::on_reset(s, why, text);
}

void visitor::cut(code) {
    close(/*cleanly=*/false);
}

void visitor::send_continue() {
    conn_->write("HTTP/1.1 100 Continue\r\n\r\n");
}

void visitor::answer(const edge_answer& a) {
    if (state_ == state::closing) return;
    keep_alive_ = request_done_ && keep_alive_ && !a.is_last;
    std::string text = "HTTP/1.1 " + std::to_string(a.status) + " ";
    text.append(wire::reason_phrase(a.status)).append("\r\n");
    for (const auto& f : a.extra_fields)
        wire::append_field(text, f.name, f.value);
    const bool bodiless = a.status == 204 || a.status == 304;
    if (!bodiless && !a.content_type.empty()) text.append("Content-Type: ").append(a.content_type).append("\r\n");
    if (!bodiless) text.append("Content-Length: ").append(std::to_string(a.body.size())).append("\r\n");
    if (!keep_alive_)
        text += "Connection: close\r\n";
    else if (version_ == 10)
        text += "Connection: keep-alive\r\n";
    text += "\r\n";
    if (!head_request_ && !bodiless) text += a.body;
    conn_->write(text);
    reply_started_ = reply_done_ = true;
    exchange_over();
}

}  // namespace instatunnel::edge
