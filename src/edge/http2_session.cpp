#include "http2_session.hpp"

#include <algorithm>
#include <new>

#include "http2_callbacks.hpp"

namespace instatunnel::edge {
namespace {

// The library's own limits stand behind ours: they end a connection without the right word.
constexpr std::uint64_t library_reset_burst = 4000;
constexpr std::uint64_t library_reset_rate = 400;
constexpr std::size_t largest_held_start = 64 * 1024;

nghttp2_option* make_options(const http2_limits& limits) {
    nghttp2_option* o = nullptr;
    if (nghttp2_option_new(&o) != 0) return nullptr;
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_settings(o, limits.settings);
    nghttp2_option_set_max_continuations(o, limits.continuations);
    nghttp2_option_set_stream_reset_rate_limit(o, library_reset_burst, library_reset_rate);
    nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
    return o;
}

}  // namespace

http2_session::http2_session(http2_owner& owner, const http2_limits& limits, const wire::http1_limits& head_limits)
    : owner_(owner), limits_(limits), head_limits_(head_limits), guard_(limits, owner.now()) {
    nghttp2_option* options = make_options(limits);
    if (options == nullptr || nghttp2_session_server_new2(&session_, http2_callbacks::table(), this, options) != 0)
        throw std::bad_alloc();
    nghttp2_option_del(options);
    submit_settings();
}

http2_session::~http2_session() {
    nghttp2_session_del(session_);
}

void http2_session::submit_settings() {
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(head_limits_.max_head)},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(limits_.connection_window));
}

// Always false: whoever floods gets ENHANCE_YOUR_CALM from the caller's failure.
bool http2_session::flood() noexcept {
    if (rule_.empty()) rule_ = guard_.rule();
    return false;
}

void http2_session::ask_for_flush() {
    if (!busy_) owner_.request_flush();
}

bool http2_session::receive(std::string_view bytes) {
    if (terminating_ || broken_) return false;
    busy_ = true;
    const auto used =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    busy_ = false;
    if (used < 0) return fail(static_cast<int>(used));
    if (!inside_section_) section_.shrink();
    flush();
    return !is_over();
}

bool http2_session::fail(int library_error) {
    const bool flooded = !rule_.empty() || library_error == NGHTTP2_ERR_FLOODED ||
                         library_error == NGHTTP2_ERR_TOO_MANY_SETTINGS ||
                         library_error == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
    if (rule_.empty()) rule_ = nghttp2_strerror(library_error);
    std::uint32_t word = NGHTTP2_INTERNAL_ERROR;
    if (flooded) word = last_word_;
    if (library_error == NGHTTP2_ERR_BAD_CLIENT_MAGIC) word = NGHTTP2_PROTOCOL_ERROR;
    terminate(word);
    return false;
}

void http2_session::flush() {
    if (busy_ || broken_) return;
    busy_ = true;
    const int sent = nghttp2_session_send(session_);
    busy_ = false;
    if (sent != 0) {
        rule_ = nghttp2_strerror(sent);
        broken_ = true;
    } else if (!rule_.empty() && !terminating_) {
        fail(NGHTTP2_ERR_FLOODED);  // found while sending: streams that the visitor made us reset
    }
}

bool http2_session::is_over() const noexcept {
    return broken_ || terminating_ ||
           (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

// --- replies ---------------------------------------------------------------------------------------------------------

void http2_session::send_interim(http2_stream& s, const fields& head) {
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, s.id_, nullptr, head.data(), head.size(), nullptr);
    ask_for_flush();
}

void http2_session::send_head(http2_stream& s, const fields& head, bool ended) {
    nghttp2_data_provider body{};
    body.source.ptr = &s;
    body.read_callback = http2_callbacks::read;
    nghttp2_submit_response(session_, s.id_, head.data(), head.size(), ended ? nullptr : &body);
    ask_for_flush();
}

void http2_session::send(http2_stream& s, std::string_view bytes, bool now) {
    if (now && !busy_ && !owner_.is_congested()) {
        s.passing_ = bytes;
        nghttp2_session_resume_data(session_, s.id_);
        flush();
        bytes = std::exchange(s.passing_, {});
        if (bytes.empty()) return;
    } else {
        nghttp2_session_resume_data(session_, s.id_);
        ask_for_flush();
    }
    if (s.begin_ != 0 && s.begin_ >= s.held()) {
        s.pending_.erase(0, s.begin_);
        s.begin_ = 0;
    }
    s.pending_.append(bytes);
}

// From what is held first, then from what is passing.
std::size_t http2_session::write_body(http2_stream& s, std::size_t length) {
    const auto from_held = std::min(length, s.held());
    if (from_held != 0) {
        owner_.write(std::string_view(s.pending_).substr(s.begin_, from_held));
        s.begin_ += from_held;
        if (s.held() == 0) {
            s.begin_ = 0;
            if (s.pending_.capacity() > largest_held_start)
                std::string().swap(s.pending_);
            else
                s.pending_.clear();
        }
        s.on_taken(from_held, /*waited=*/true);
    }
    const auto passing = length - from_held;
    if (passing != 0) {
        owner_.write(s.passing_.substr(0, passing));
        s.passing_.remove_prefix(passing);
        s.on_taken(passing, /*waited=*/false);
    }
    return length;
}

void http2_session::finish(http2_stream& s) {
    s.source_ended_ = true;
    nghttp2_session_resume_data(session_, s.id_);
    ask_for_flush();
}

void http2_session::add_trailer(http2_stream& s, std::string_view name, std::string_view value) {
    s.trailers_.emplace_back(name, value);
}

void http2_session::reset(http2_stream& s, std::uint32_t error_code) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, s.id_, error_code);
    ask_for_flush();
}

// --- windows ---------------------------------------------------------------------------------------------------------

void http2_session::consume(std::int32_t id, std::size_t bytes) {
    if (bytes == 0) return;
    nghttp2_session_consume(session_, id, bytes);
    ask_for_flush();
}

void http2_session::grow_window(std::int32_t id, std::uint32_t window) {
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, id, static_cast<std::int32_t>(window));
    ask_for_flush();
}

// --- ends ------------------------------------------------------------------------------------------------------------

void http2_session::announce_goaway() {
    nghttp2_submit_shutdown_notice(session_);
    ask_for_flush();
}

void http2_session::goaway() {
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
    ask_for_flush();
}

void http2_session::terminate(std::uint32_t error_code) {
    if (terminating_) return;
    terminating_ = true;
    nghttp2_session_terminate_session(session_, error_code);
    flush();
    owner_.request_flush();  // to find out that it is over
}

}  // namespace instatunnel::edge
