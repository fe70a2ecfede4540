#include "instatunnel/net/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace instatunnel::net {
namespace {

constexpr std::chrono::milliseconds linger_limit{2000};
// A peer that takes nothing of what is queued for this long is gone.
constexpr std::chrono::milliseconds write_stall_limit{30'000};
constexpr std::size_t direct_write_size = 8192;
// One call with four records costs less than four calls, even with the copy.
constexpr std::size_t direct_send_size = 48 * 1024;

// SSL_get_error believes a thread's error queue, whoever filled it. Clearing it before every operation costs 1.5 % of a
// request; so everything that can fail clears it afterwards instead, here and wherever this thread uses OpenSSL.
void leave_no_errors() {
    ERR_clear_error();
}

// What a lingering connection tells nobody.
class no_events final : public connection_events {
public:
    void on_readable() override {}
    void on_broken(errc) override {}
};
no_events nobody;

}  // namespace

// The BIO's way into the connection.
struct connection::bio_access {
    static connection* of(BIO* bio) { return static_cast<connection*>(BIO_get_data(bio)); }

    static int read(BIO* bio, char* into, std::size_t capacity, std::size_t* size) {
        BIO_clear_retry_flags(bio);
        const auto n = of(bio)->receive(into, capacity);
        *size = n > 0 ? static_cast<std::size_t>(n) : 0;
        if (n == -EAGAIN) BIO_set_retry_read(bio);
        return n > 0 ? 1 : 0;
    }

    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* written) {
        auto* c = of(bio);
        if (c->out_.capacity() < event_loop::smallest_buffer) c->out_ = c->loop_.take_buffer();
        c->out_.append(from, size);
        *written = size;
        return 1;
    }

    static long ctrl(BIO* bio, int command, long, void*) {
        switch (command) {
            case BIO_CTRL_FLUSH:
            case BIO_CTRL_DUP:
                return 1;
            // OpenSSL asks this to tell a truncated stream from a retry.
            case BIO_CTRL_EOF:
                return of(bio)->end_seen_ && !of(bio)->readable_ ? 1 : 0;
            default:
                return 0;
        }
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const instance = [] {
            BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "instatunnel");
            BIO_meth_set_read_ex(m, read);
            BIO_meth_set_write_ex(m, write);
            BIO_meth_set_ctrl(m, ctrl);
            BIO_meth_set_create(m, [](BIO* bio) {
                BIO_set_init(bio, 1);
                return 1;
            });
            return m;
        }();
        return instance;
    }
};

void tune_socket(int fd, int notsent_lowat_bytes, bool on_loopback) noexcept {
    const int on = 1;
    // All of these fail harmlessly on Unix sockets.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent_lowat_bytes, sizeof notsent_lowat_bytes);
    if (on_loopback) {
        ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
        return;
    }
    // A peer that vanished without a word would hold its connection for ever where no timeout of ours applies
    // (WebSockets, event streams). Two minutes is what a phone in a tunnel may need.
    const int idle_s = 60, interval_s = 15, probes = 4, unacknowledged_ms = 120'000;
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

void connection::keep_buffers(bool keep) noexcept {
    if (ssl_ == nullptr || keep == buffers_kept_) return;
    buffers_kept_ = keep;
    if (keep) {
        SSL_clear_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
        return;
    }
    SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
    SSL_free_buffers(ssl_);  // does nothing while they hold bytes
}

connection::connection(event_loop& loop, unique_fd fd, SSL* ssl, connection_events& events)
    : loop_(loop), fd_(std::move(fd)), ssl_(ssl), events_(&events) {}

std::unique_ptr<connection> connection::plain(event_loop& loop, unique_fd fd, connection_events& events) {
    return start(loop, std::move(fd), nullptr, events, /*connecting=*/false);
}

std::unique_ptr<connection> connection::start(event_loop& loop, unique_fd fd, SSL* ssl, connection_events& events,
                                              bool connecting) {
    std::unique_ptr<connection> c(new connection(loop, std::move(fd), ssl, events));
    c->begin(connecting);
    return c;
}

connection::~connection() {
    count_leaving(false);
    loop_.forget(*this);
    if (ssl_ != nullptr) SSL_free(ssl_);
    loop_.give_buffer(std::move(plain_));
    loop_.give_buffer(std::move(out_));
}

void connection::begin(bool connecting) {
    if (ssl_ != nullptr) {
        BIO* bio = BIO_new(bio_access::method());
        BIO_set_data(bio, this);
        SSL_set_bio(ssl_, bio, bio);
    }
    phase_ = connecting ? phase::connecting : ssl_ != nullptr ? phase::handshake : phase::open;
    writable_ = !connecting;
    if (!loop_.watch(fd_.get(), *this)) break_off(errc::busy);
    // A client speaks first; a server finds out what is readable from the first event.
    if (phase_ == phase::handshake && !SSL_is_server(ssl_)) loop_.defer(*this);
}

void connection::on_io(std::uint32_t events) {
    const bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (ended) end_seen_ = true;
    if ((events & EPOLLIN) != 0 || ended) readable_ = true;
    if ((events & EPOLLOUT) != 0) writable_ = true;

    if (phase_ == phase::connecting) {
        check_connect();
        return;
    }
    if (phase_ == phase::handshake) {
        if (readable_) drive_handshake();
        if (writable_ && queued() != 0) loop_.defer(*this);
        return;
    }
    if (phase_ == phase::broken) return;
    if (lingering_) {
        if (writable_) send_out();
        linger_step();
        return;
    }
    if (writable_ && out_.size() != out_sent_) loop_.defer(*this);
    if (readable_) events_->on_readable();
}

void connection::check_connect() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return break_off(errc::server_unreachable);
    if (!writable_) return;
    if (ssl_ != nullptr) {
        phase_ = phase::handshake;
        drive_handshake();
        return;
    }
    phase_ = phase::open;
    events_->on_connected();
}

void connection::drive_handshake() {
    const int done = SSL_do_handshake(ssl_);
    const int why = done == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_, done);
    if (why == SSL_ERROR_SSL) handshake_reason_ = ERR_GET_REASON(ERR_peek_last_error());
    leave_no_errors();
    if (queued() != 0) loop_.defer(*this);
    if (done == 1) {
        phase_ = phase::open;
        // Bytes may have come with the last handshake message; OpenSSL holds them already.
        want_read_event_ = true;
        loop_.defer(*this);
        events_->on_connected();
        return;
    }
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
    flush();  // the alert tells the peer why
    break_off(errc::tls_failed);
}

// --- reading ---------------------------------------------------------------------------------------------------------

// Bytes read, 0 at the end of the input, -EAGAIN, or -1 for a broken connection.
std::ptrdiff_t connection::receive(char* into, std::size_t capacity) {
    if (!readable_) return -EAGAIN;
    for (;;) {
        const auto n = ::recv(fd_.get(), into, capacity, 0);
        if (n > 0) {
            // A short read has emptied the socket; what comes later raises a new edge. Not so when the end was
            // announced with the data: it raises none.
            if (static_cast<std::size_t>(n) < capacity && !end_seen_) readable_ = false;
            return n;
        }
        if (n == 0) {
            readable_ = false;
            end_seen_ = true;
            return write_failed_ ? -1 : 0;  // the reset was told to send(), not to recv()
        }
        if (errno == EINTR) continue;
        readable_ = false;
        if (errno == EAGAIN) return -EAGAIN;
        end_seen_ = true;
        return -1;
    }
}

read_result connection::read(char* into, std::size_t capacity) {
    if (phase_ != phase::open) return {};
    return ssl_ != nullptr ? read_tls(into, capacity) : read_plain(into, capacity);
}

read_result connection::read_plain(char* into, std::size_t capacity) {
    const auto n = receive(into, capacity);
    if (n > 0) return {read_status::data, static_cast<std::size_t>(n), !readable_};
    if (n == 0) return {read_status::end, 0};
    return {n == -EAGAIN ? read_status::would_block : read_status::broken, 0};
}

read_result connection::read_tls(char* into, std::size_t capacity) {
    std::size_t total = 0;
    bool drained = false;
    while (capacity - total >= 1024 || total == 0) {
        std::size_t n = 0;
        if (SSL_read_ex(ssl_, into + total, capacity - total, &n) == 1) {
            total += n;
            // The usual case: one record, nothing behind it. Asking OpenSSL again would only cost a round through its
            // state machine.
            drained = !readable_ && SSL_has_pending(ssl_) == 0;
            if (drained) break;
            continue;
        }
        const int why = SSL_get_error(ssl_, 0);
        if (why != SSL_ERROR_WANT_READ) leave_no_errors();
        if (total != 0) {  // an end or a failure is met again by the next call
            drained = why == SSL_ERROR_WANT_READ;
            break;
        }
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return {};
        if (why == SSL_ERROR_ZERO_RETURN) return {read_status::end, 0};
        return {read_status::broken, 0};
    }
    if (!out_.empty()) loop_.defer(*this);  // a key update may have been answered
    return {read_status::data, total, drained};
}

bool connection::may_hold_input() const noexcept {
    return readable_ || (ssl_ != nullptr && SSL_has_pending(ssl_) == 1);
}

void connection::resume_reading() {
    want_read_event_ = true;
    loop_.defer(*this);
}

// --- writing ---------------------------------------------------------------------------------------------------------

void connection::write(std::string_view bytes) {
    if (phase_ == phase::broken || fin_requested_ || bytes.empty()) return;
    loop_.defer(*this);
    if (ssl_ == nullptr) {
        if (phase_ == phase::open && writable_ && out_.size() == out_sent_ && bytes.size() >= direct_send_size) {
            const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
            if (n < 0 && errno == EAGAIN) writable_ = false;
        }
        if (!bytes.empty()) {
            if (out_.capacity() < event_loop::smallest_buffer) out_ = loop_.take_buffer();
            out_.append(bytes);
        }
    } else {
        // Whole records straight from the caller's memory; only what does not fill one is gathered.
        if (phase_ == phase::open && bytes.size() >= direct_write_size) {
            if (!plain_.empty() && plain_.size() + bytes.size() > record_size) {
                if (!encrypt(plain_)) return break_off(errc::tls_failed);
                plain_.clear();
            }
            while (plain_.empty() && bytes.size() >= direct_write_size) {
                const auto piece = bytes.substr(0, record_size);
                if (!encrypt(piece)) return break_off(errc::tls_failed);
                bytes.remove_prefix(piece.size());
            }
        }
        if (!bytes.empty()) {
            if (plain_.capacity() < event_loop::smallest_buffer) plain_ = loop_.take_buffer();
            plain_.append(bytes);
        }
    }
    if (is_congested()) above_high_ = true;
}

bool connection::encrypt(std::string_view bytes) {
    while (!bytes.empty()) {
        std::size_t written = 0;
        if (SSL_write_ex(ssl_, bytes.data(), std::min(bytes.size(), record_size), &written) != 1) {
            leave_no_errors();
            return false;
        }
        bytes.remove_prefix(written);
    }
    return true;
}

void connection::finish_writing() {
    if (fin_requested_ || phase_ == phase::broken) return;
    fin_requested_ = true;
    loop_.defer(*this);
}

void connection::flush() {
    if (phase_ == phase::open && ssl_ != nullptr) {
        if (!plain_.empty()) {
            const bool good = encrypt(plain_);
            loop_.give_buffer(std::move(plain_));
            if (!good) return break_off(errc::tls_failed);
        }
        // The alert queues up behind the data; a second call would wait for the peer's.
        if (fin_requested_ && (SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN) == 0) {
            SSL_shutdown(ssl_);
            leave_no_errors();
        }
    }
    if (phase_ != phase::connecting) send_out();
}

void connection::send_out() {
    while (writable_ && out_sent_ < out_.size()) {
        const auto n = ::send(fd_.get(), out_.data() + out_sent_, out_.size() - out_sent_, MSG_NOSIGNAL);
        if (n > 0) {
            out_sent_ += static_cast<std::size_t>(n);
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            writable_ = false;
            break;
        }
        return writing_failed();
    }
    if (out_sent_ == out_.size()) {
        loop_.give_buffer(std::move(out_));
        out_sent_ = 0;
        if (fin_requested_ && !fin_sent_ && plain_.empty() && phase_ == phase::open) {
            fin_sent_ = true;
            ::shutdown(fd_.get(), SHUT_WR);
            count_leaving(false);
            if (lingering_) linger_timer_->arm(linger_limit);
        }
    } else if (out_sent_ >= 64 * 1024) {
        out_.erase(0, out_sent_);
        out_sent_ = 0;
    }
}

// The peer takes no more. What it said before that (an early refusal, say) can still be read, and reading tells the
// owner how it ended.
void connection::writing_failed() {
    write_failed_ = true;
    count_leaving(false);
    fin_requested_ = fin_sent_ = true;
    out_.clear();
    plain_.clear();
    out_sent_ = 0;
    readable_ = end_seen_ = true;
    resume_reading();
}

void connection::run_deferred() {
    if (break_pending_) {
        break_pending_ = false;
        events_->on_broken(break_reason_);
        return;
    }
    if (phase_ == phase::broken) return;
    if (phase_ == phase::handshake && !SSL_is_server(ssl_) && SSL_in_before(ssl_)) {
        drive_handshake();
        if (phase_ == phase::broken) return;
    }
    flush();
    if (lingering_) return linger_step();
    if (phase_ != phase::open) return;
    if (above_high_ && queued() <= low_water_) {
        above_high_ = false;
        events_->on_writable();
        if (phase_ != phase::open || events_ == &nobody) return;
    }
    if (want_read_event_) {
        want_read_event_ = false;
        events_->on_readable();
    }
}

// The owner is told from the end of the turn, never from inside its own call.
void connection::break_off(errc why) {
    if (phase_ == phase::broken) return;
    phase_ = phase::broken;
    break_reason_ = why;
    break_pending_ = true;
    loop_.defer(*this);
}

// --- ends ------------------------------------------------------------------------------------------------------------

void connection::close_now(std::unique_ptr<connection> c, bool reset) {
    if (c == nullptr) return;
    c->events_ = &nobody;
    c->lingering_ = false;
    c->phase_ = phase::broken;
    c->break_pending_ = false;
    c->loop_.forget(*c);
    if (reset) {
        const linger hard{1, 0};
        ::setsockopt(c->fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    } else if (c->ssl_ != nullptr) {
        SSL_set_shutdown(c->ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    }
    auto& loop = c->loop_;
    if (c->linger_timer_ != nullptr) c->linger_timer_->cancel();
    loop.retire(std::move(c));
}

void connection::close_gently(std::unique_ptr<connection> c) {
    if (c == nullptr) return;
    if (c->phase_ != phase::open) return close_now(std::move(c));
    auto& kept = *c;
    c->loop_.keep(std::move(c));
    kept.enter_linger();
}

void connection::enter_linger() {
    events_ = &nobody;
    lingering_ = true;
    linger_queued_ = queued();
    count_leaving(linger_queued_ != 0);
    linger_timer_ = std::make_unique<timer>(
        loop_, [](void* owner) { static_cast<connection*>(owner)->on_linger_timer(); }, this);
    linger_timer_->arm(queued() == 0 ? linger_limit : write_stall_limit);
    finish_writing();
    loop_.defer(*this);
}

void connection::count_leaving(bool leaves) noexcept {
    if (leaves == counted_leaving_) return;
    counted_leaving_ = leaves;
    loop_.add_leaving(leaves ? 1 : -1);
}

// A slow reader is not cut as long as it reads: the answer it was promised still leaves.
void connection::on_linger_timer() {
    if (!lingering_) return;
    if (!fin_sent_ && queued() < linger_queued_) {
        linger_queued_ = queued();
        return linger_timer_->arm(write_stall_limit);
    }
    close_now(std::unique_ptr<connection>(this));
}

void connection::linger_step() {
    if (phase_ == phase::broken) return close_now(std::unique_ptr<connection>(this));
    if (!fin_sent_) return;
    char sink[4096];
    for (int i = 0; i < 16; ++i) {
        const auto n = receive(sink, sizeof sink);
        if (n == -EAGAIN) return;
        if (n <= 0) return close_now(std::unique_ptr<connection>(this));
    }
    // A peer that goes on sending after its answer is cut by the timer.
    loop_.defer(*this);
}

}  // namespace instatunnel::net
