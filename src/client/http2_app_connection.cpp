#include "http2_app_connection.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <new>
#include <utility>

#include "http2_app_callbacks.hpp"
#include "http2_app_limits.hpp"
#include "http2_call.hpp"

namespace instatunnel::client {

using engine::code;
namespace bound = http2_app_limits;

namespace {

constexpr std::size_t largest_kept_body = 64 * 1024;

}  // namespace

http2_app_connection::http2_app_connection(http2_upstream& owner)
    : owner_(owner),
      dial_(owner.loop(), owner.app().addresses(), owner.app().http2_tls(), owner.options().upstream.host,
            static_cast<dial_user&>(*this)),
      timer_(
          owner.loop(), [](void* self) { static_cast<http2_app_connection*>(self)->on_timer(); }, this) {}

http2_app_connection::~http2_app_connection() {
    nghttp2_session_del(session_);
}

// --- connecting ------------------------------------------------------------------------------------------------------

http2_app_connection& http2_app_connection::make(http2_upstream& owner) {
    auto* self = new http2_app_connection(owner);
    owner.loop().keep(std::unique_ptr<net::retirable>(self));
    return *self;
}

void http2_app_connection::open() {
    dial_.start();
}

void http2_app_connection::on_dial_failed(errc why) {
    if (why == errc::target_unreachable) owner_.app().unreachable();
    give_up(why == errc::tls_failed       ? code::origin_tls
            : why == errc::target_timeout ? code::origin_timeout
                                          : code::origin_unreachable,
            owner_.options().upstream.display);
}

void http2_app_connection::on_dialled(std::unique_ptr<net::connection> c) {
    conn_ = std::move(c);
    conn_->set_events(*this);
    if (conn_->ssl() != nullptr) {
        const unsigned char* name = nullptr;
        unsigned int size = 0;
        SSL_get0_alpn_selected(conn_->ssl(), &name, &size);
        if (std::string_view(reinterpret_cast<const char*>(name), size) != "h2")
            return give_up(code::origin_version, "it does not offer HTTP/2 over TLS (ALPN h2)");
    }
    timer_.arm(bound::first_settings);
    start_session();
    conn_->resume_reading();  // the app may have spoken first
}

void http2_app_connection::start_session() {
    nghttp2_option* o = nullptr;
    if (nghttp2_option_new(&o) != 0) throw std::bad_alloc();
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_reserved_remote_streams(o, 0);  // pushes of an app that has not read our SETTINGS
    const int made = nghttp2_session_client_new2(&session_, http2_app_callbacks::table(), this, o);
    nghttp2_option_del(o);
    if (made != 0) throw std::bad_alloc();
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bound::stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(bound::section)},
    };
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries));
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                          static_cast<std::int32_t>(bound::connection_window));
    flush();
}

void http2_app_connection::on_timer() {
    if (ready_) return leave();
    const auto& name = owner_.options().upstream.display;
    give_up(code::origin_timeout, name);
}

// --- what calls ask for ----------------------------------------------------------------------------------------------

bool http2_app_connection::has_room() const noexcept {
    if (!ready_ || is_leaving()) return false;
    const std::size_t allowed = nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return calls_.size() < std::min(allowed, bound::streams);
}

bool http2_app_connection::is_alive() {
    // With calls under way whatever the app says comes up by itself.
    if (!calls_.empty() || busy_) return has_room();
    on_readable();
    return has_room();
}

bool http2_app_connection::allows_connect() const noexcept {
    return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

bool http2_app_connection::submit(http2_call& c, const std::vector<nghttp2_nv>& head, bool ended) {
    nghttp2_data_provider body{};
    body.read_callback = http2_app_callbacks::read;
    const auto id = nghttp2_submit_request(session_, nullptr, head.data(), head.size(), ended ? nullptr : &body, &c);
    if (id < 0) {
        leaving_ = true;  // its stream ids are used up
        return false;
    }
    c.id_ = id;
    served_ = true;
    calls_.push_back(&c);
    timer_.cancel();
    owner_.loop().defer(*this);
    return true;
}

void http2_app_connection::send(http2_call& c, std::string_view bytes, bool now) {
    nghttp2_session_resume_data(session_, c.id_);
    if (now && !busy_ && !is_congested()) {
        c.passing_ = bytes;
        flush();
        bytes = std::exchange(c.passing_, {});
        if (bytes.empty()) return;
    } else {
        owner_.loop().defer(*this);
    }
    c.hold(bytes);
}

void http2_app_connection::resume(http2_call& c) {
    nghttp2_session_resume_data(session_, c.id_);
    owner_.loop().defer(*this);
}

// From what is held first, then from what is passing.
std::size_t http2_app_connection::write_body(http2_call& c, std::size_t length) {
    const auto from_held = std::min(length, c.held());
    if (from_held != 0) {
        const auto part = std::string_view(c.held_).substr(c.begin_, from_held);
        conn_->write(part);
        c.on_taken(part, /*waited=*/true);
        c.begin_ += from_held;
        if (c.held() == 0) {
            c.begin_ = 0;
            c.held_.clear();
            if (c.held_.capacity() > largest_kept_body) std::string().swap(c.held_);
        }
    }
    const auto passing = length - from_held;
    if (passing != 0) {
        const auto part = c.passing_.substr(0, passing);
        conn_->write(part);
        c.passing_.remove_prefix(passing);
        c.on_taken(part, /*waited=*/false);
    }
    return length;
}

void http2_app_connection::consume(http2_call& c, std::size_t bytes) {
    nghttp2_session_consume_stream(session_, c.id_, bytes);
    owner_.loop().defer(*this);
}

void http2_app_connection::forget(http2_call& c) noexcept {
    std::erase(calls_, &c);
    reused_ = reused_ || calls_.empty();
    owner_.loop().defer(*this);  // there is room for another call, or nothing left to do
}

void http2_app_connection::let_go(http2_call& c, std::uint32_t error_code) {
    nghttp2_session_set_stream_user_data(session_, c.id_, nullptr);
    // One that both sides have ended closes by itself.
    const bool whole = error_code == NGHTTP2_NO_ERROR && nghttp2_session_get_stream_local_close(session_, c.id_) == 1;
    if (!whole) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, c.id_, error_code);
    forget(c);
}

// --- bytes -----------------------------------------------------------------------------------------------------------

void http2_app_connection::on_readable() {
    // Read however much waits for the app: one that must send before it reads would wait for us, and we for it.
    for (std::size_t turn_bytes = 0; conn_ != nullptr && !gone_;) {
        const auto space = owner_.loop().scratch();
        const auto got = conn_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data) return lose(code::origin_reset);
        if (!receive({space.data(), got.size}) || got.drained) return;
        turn_bytes += got.size;
        if (turn_bytes >= net::event_loop::scratch_size) return conn_->resume_reading();
    }
}

bool http2_app_connection::receive(std::string_view bytes) {
    busy_ = true;
    const auto used =
        nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    busy_ = false;
    section_.shrink();
    if (used < 0) broken_ = true;
    flush();
    settle();
    return !gone_;
}

void http2_app_connection::flush() {
    if (busy_ || gone_ || session_ == nullptr) return;
    busy_ = true;
    const int sent = nghttp2_session_send(session_);
    busy_ = false;
    if (sent != 0) broken_ = true;
    const bool over = nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
    // A call may be on the stack: what follows waits for the end of the turn.
    if (broken_ || over) {
        broken_ = true;
        owner_.loop().defer(*this);
    }
}

void http2_app_connection::on_writable() {
    for (std::size_t i = 0; i < calls_.size(); ++i)
        calls_[i]->on_writable();
    flush();
}

void http2_app_connection::run_deferred() {
    if (gone_) return;
    flush();
    settle();
}

// What has changed for the owner by what was read or sent.
void http2_app_connection::settle() {
    if (gone_) return;
    if (broken_ && !(leaving_ && calls_.empty())) return lose(code::origin_bad_response);
    if (leaving_ && !ready_) return give_up(code::refused, {});
    if (leaving_ && calls_.empty()) return leave();
    if (std::exchange(settings_came_, false) && !std::exchange(ready_, true)) {
        timer_.cancel();
        owner_.ready(*this);
    } else if (ready_) {
        owner_.serve_waiting();
    }
    if (!gone_ && ready_ && calls_.empty() && !timer_.is_armed()) timer_.arm(bound::idle);
}

// An answer is queued for each of them: an app that sends them without end is not served.
bool http2_app_connection::count_answered_frame() noexcept {
    const auto now = owner_.loop().now();
    if (now - second_ >= std::chrono::seconds(1)) {
        second_ = now;
        answered_ = 0;
    }
    return ++answered_ <= bound::answered_frames;
}

// --- ends ------------------------------------------------------------------------------------------------------------

void http2_app_connection::on_broken(errc) {
    if (gone_) return;
    lose(code::origin_reset);
}

// It never took a call.
void http2_app_connection::give_up(code why, std::string_view text) {
    if (std::exchange(gone_, true)) return;
    timer_.cancel();
    dial_.cancel();
    if (conn_ != nullptr) net::connection::close_now(std::move(conn_));
    owner_.connect_failed(*this, why, text);
    owner_.loop().retire(std::unique_ptr<net::retirable>(this));
}

void http2_app_connection::lose(code why) {
    if (!ready_)
        return give_up(code::origin_version, owner_.options().upstream.is_tls
                                                 ? "it does not speak HTTP/2, although it agreed to"
                                                 : "it does not speak HTTP/2 without TLS (h2c)");
    if (std::exchange(gone_, true)) return;
    timer_.cancel();
    if (conn_ != nullptr) net::connection::close_now(std::move(conn_));
    owner_.closed(*this);
    const auto cut = std::exchange(calls_, {});
    for (http2_call* c : cut)
        c->on_connection_lost(why);
    owner_.serve_waiting();
    owner_.loop().retire(std::unique_ptr<net::retirable>(this));
}

// Without calls: with a goodbye.
void http2_app_connection::leave() {
    if (std::exchange(gone_, true)) return;
    timer_.cancel();
    if (!broken_) {
        busy_ = true;
        nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
        nghttp2_session_send(session_);
        busy_ = false;
    }
    if (conn_ != nullptr) net::connection::close_gently(std::move(conn_));
    owner_.closed(*this);
    owner_.serve_waiting();
    owner_.loop().retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::client
