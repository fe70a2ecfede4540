#pragma once

#include <openssl/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/event_loop.hpp"

namespace instatunnel::net {

class connection;

/// The owner of a connection. Any of these may retire the connection or change what it does next.
class connection_events {
public:
    /// The TCP connect (if any) and the TLS handshake (if any) are done.
    virtual void on_connected() {}
    /// read() has something to say. Read until would_block, or leave the rest and call resume_reading() later.
    virtual void on_readable() = 0;
    /// The output queue fell from above `high_water` to `low_water` or below it.
    virtual void on_writable() {}
    /// The connection is of no more use: connect or handshake failed, reset, TLS error, write failed. Not called for a
    /// clean end of input, which read() reports.
    virtual void on_broken(errc why) = 0;

protected:
    ~connection_events() = default;
};

enum class read_status : std::uint8_t {
    data,         ///< `size` bytes
    would_block,  ///< on_readable comes again
    end,          ///< clean end of input: FIN, with TLS a close_notify before it
    broken,       ///< reset, or TLS cut without close_notify; on_broken is not called for it as well
};

struct read_result {
    read_status status = read_status::would_block;
    std::size_t size = 0;
    bool drained = false;  ///< with `data`: the socket is empty, another read would only say would_block
};

/// A non-blocking byte stream on one loop: TCP or Unix socket, plain or TLS. Reading is pulled by the owner, writing is
/// queued and leaves once a turn in full TLS records.
///
/// TLS runs on a BIO of ours, not on asio::ssl::stream: reads go from the socket straight into OpenSSL's buffer,
/// records straight into the output queue (measured 22 % less CPU a request; an idle connection holds no buffer at
/// all).
class connection final : public retirable, private io_slot, private deferred {
public:
    static constexpr std::size_t high_water = 256 * 1024;
    static constexpr std::size_t low_water = 128 * 1024;
    static constexpr std::size_t record_size = 16384;

    /// Takes a connected descriptor over.
    static std::unique_ptr<connection> plain(event_loop& loop, unique_fd fd, connection_events& events);
    /// Takes over a connected (or, with `connecting`, a connecting) descriptor; `ssl` is set to client or server state
    /// by the caller and owned from here on; null: no TLS. The handshake starts at once; on_connected follows, or
    /// on_broken(tls_failed).
    static std::unique_ptr<connection> start(event_loop& loop, unique_fd fd, SSL* ssl, connection_events& events,
                                             bool connecting);
    ~connection() override;

    /// Another owner from here on.
    void set_events(connection_events& events) noexcept { events_ = &events; }

    read_result read(char* into, std::size_t capacity);
    /// on_readable will be called at the end of the turn if input may be waiting: for owners that left bytes unread.
    void resume_reading();

    /// Queues bytes; they leave at the end of the turn. Without TLS a large block may be sent at once. Never blocks and
    /// never fails here: errors come through on_broken. The caller keeps to high_water.
    void write(std::string_view bytes);
    /// Bytes that the kernel has not taken yet.
    std::size_t queued() const noexcept { return plain_.size() + out_.size() - out_sent_; }
    bool is_congested() const noexcept { return queued() >= high_water_; }
    /// Marks of its own, for a lane that wants less in the queue than the default.
    void set_water(std::size_t high, std::size_t low) noexcept {
        high_water_ = high;
        low_water_ = low;
    }

    /// After everything queued has left: close_notify (TLS) and FIN. Reading goes on.
    void finish_writing();
    /// Whether input may lie in the socket or inside OpenSSL that read() has not returned yet.
    bool may_hold_input() const noexcept;
    /// OpenSSL's reason (ERR_GET_REASON) of the failed handshake, 0 if there was none.
    int handshake_reason() const noexcept { return handshake_reason_; }
    bool is_write_finished() const noexcept { return fin_requested_; }
    /// Ends it for the owner, without its events: what is queued still leaves, then FIN, then at most 2 s for the peer
    /// to close first, so that an answer is not destroyed by a reset (RFC 9112 §9.6).
    static void close_gently(std::unique_ptr<connection> c);
    /// Ends it for the owner at the end of the turn. With `reset` the peer sees RST, never a clean end.
    static void close_now(std::unique_ptr<connection> c, bool reset = false);

    /// TLS buffers (about 33 KiB) are given back whenever they are empty, which an idle connection wants, or kept
    /// between uses, which a busy one wants (a request allocates nothing then). Given back at first.
    void keep_buffers(bool keep) noexcept;

    event_loop& loop() noexcept { return loop_; }
    SSL* ssl() noexcept { return ssl_; }
    int fd() const noexcept { return fd_.get(); }
    bool is_connected() const noexcept { return phase_ == phase::open; }

private:
    enum class phase : std::uint8_t { connecting, handshake, open, broken };
    struct bio_access;

    connection(event_loop& loop, unique_fd fd, SSL* ssl, connection_events& events);
    void begin(bool connecting);
    void on_io(std::uint32_t events) override;
    void run_deferred() override;
    void check_connect();
    void drive_handshake();
    read_result read_plain(char* into, std::size_t capacity);
    read_result read_tls(char* into, std::size_t capacity);
    std::ptrdiff_t receive(char* into, std::size_t capacity);
    bool encrypt(std::string_view bytes);
    void flush();
    void send_out();
    void writing_failed();
    void break_off(errc why);
    void enter_linger();
    void linger_step();
    void on_linger_timer();
    void count_leaving(bool leaves) noexcept;

    event_loop& loop_;
    unique_fd fd_;
    SSL* ssl_ = nullptr;
    connection_events* events_;
    phase phase_ = phase::open;
    bool readable_ = false;  ///< the socket may hold input
    bool end_seen_ = false;  ///< RDHUP or an error came up: a short read is not the end of the input
    bool writable_ = true;
    bool want_read_event_ = false;  ///< on_readable is due at the end of the turn
    bool above_high_ = false;
    bool buffers_kept_ = false;
    bool fin_requested_ = false;
    bool fin_sent_ = false;
    bool write_failed_ = false;
    bool counted_leaving_ = false;
    int handshake_reason_ = 0;
    bool break_pending_ = false;
    errc break_reason_ = errc::connection_lost;
    std::string plain_;  ///< plaintext of this turn, waiting to fill a record
    std::string out_;    ///< bytes for the socket from out_sent_ on
    std::size_t out_sent_ = 0;
    std::size_t high_water_ = high_water;
    std::size_t low_water_ = low_water;
    bool lingering_ = false;  ///< nobody's any more: the loop keeps it until the peer has closed
    std::unique_ptr<timer> linger_timer_;
    std::size_t linger_queued_ = 0;
};

/// Options of every TCP socket of ours: NODELAY and a bound on unsent bytes in the kernel. With `on_loopback` there is
/// no network to be gentle with, and no pacing timers for it either (measured: a tenth of the CPU of a small request).
void tune_socket(int fd, int notsent_lowat_bytes, bool on_loopback) noexcept;

}  // namespace instatunnel::net
