#include "instatunnel/relay/pipe.hpp"

#include <utility>

namespace instatunnel::relay {

using engine::code;

pipe::~pipe() {
    let_go(/*reset=*/true);
}

void pipe::join(engine::stream& s) {
    stream_ = &s;
    s.set_events(*this);
    last_moved_ = loop_.now();
    output_over_ = s.receive_finished();
}

void pipe::join(std::unique_ptr<net::connection> c) {
    conn_ = std::move(c);
    conn_->set_events(*this);
    if (!early_.empty()) {
        conn_->write(early_);
        if (conn_->is_congested())
            owed_ = early_.size();
        else
            stream_->consumed(early_.size());
        std::string().swap(early_);
    }
    if (output_over_) conn_->finish_writing();
    conn_->resume_reading();
}

void pipe::cut(code why, std::string_view text) {
    if (std::exchange(over_, true)) return;
    if (stream_ != nullptr) stream_->reset(why, text);
    let_go(/*reset=*/true);
}

void pipe::let_go(bool reset) {
    over_ = true;
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->release();
    if (conn_ == nullptr) return;
    if (reset)
        net::connection::close_now(std::move(conn_), /*reset=*/true);
    else
        net::connection::close_gently(std::move(conn_));
}

void pipe::end(pipe_end how, code why, std::string_view text) {
    if (over_) return;
    // The text may be the stream's own: it is read before the stream goes.
    const std::string words(text);
    if (how == pipe_end::by_connection && stream_ != nullptr) stream_->reset(why, {});
    let_go(how != pipe_end::finished);
    owner_.on_pipe_over(how, why, words);
}

void pipe::finish_if_done() {
    if (input_over_ && output_over_) end(pipe_end::finished, code::ok, {});
}

// --- from the connection ---------------------------------------------------------------------------------------------

void pipe::on_readable() {
    while (conn_ != nullptr && !over_ && !input_over_) {
        if (stream_->is_congested()) {
            reading_paused_ = true;
            return;
        }
        reading_paused_ = false;
        const auto space = loop_.scratch();
        const auto got = conn_->read(space.data(), space.size());
        switch (got.status) {
            case net::read_status::would_block:
                return;
            case net::read_status::broken:
                return on_broken(errc::connection_lost);
            case net::read_status::end:
                input_over_ = true;
                stream_->finish();
                return finish_if_done();
            case net::read_status::data:
                break;
        }
        last_moved_ = loop_.now();
        from_connection_ += got.size;
        owner_.on_pipe_moved(got.size, 0);
        // What does not fill a read is a message that somebody waits for, not a part of something big.
        stream_->write({space.data(), got.size}, /*push=*/got.size < space.size() / 4);
        if (over_ || got.drained) return;
        if (got.size == space.size()) return conn_->resume_reading();
    }
}

void pipe::on_drained(engine::stream&) {
    if (reading_paused_ && conn_ != nullptr) conn_->resume_reading();
}

// What is still read is dropped by the stream; the end has to be seen all the same.
void pipe::on_stop(engine::stream&) {
    if (reading_paused_ && conn_ != nullptr) conn_->resume_reading();
}

void pipe::on_broken(errc) {
    end(pipe_end::by_connection, code::origin_reset, {});
}

// --- from the tunnel -------------------------------------------------------------------------------------------------

void pipe::on_head(engine::stream&, const wire::itp::reply_head&, std::uint8_t flags) {
    if ((flags & wire::itp::flag::interim) != 0) return;
    owner_.on_pipe_accepted();
}

void pipe::on_data(engine::stream& s, std::string_view bytes) {
    last_moved_ = loop_.now();
    to_connection_ += bytes.size();
    owner_.on_pipe_moved(0, bytes.size());
    if (conn_ == nullptr) {
        early_.append(bytes);
        return;
    }
    conn_->write(bytes);
    if (conn_->is_congested())
        owed_ += bytes.size();
    else
        s.consumed(bytes.size());
}

void pipe::on_writable() {
    if (owed_ != 0 && stream_ != nullptr) stream_->consumed(std::exchange(owed_, 0), engine::pace::waited);
}

void pipe::on_end(engine::stream&) {
    if (std::exchange(output_over_, true)) return;
    if (conn_ != nullptr) conn_->finish_writing();
    finish_if_done();
}

void pipe::on_reset(engine::stream&, code why, std::string_view text) {
    end(pipe_end::by_tunnel, why, text);
}

}  // namespace instatunnel::relay
