#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/engine/chunk.hpp"
#include "instatunnel/engine/credit.hpp"
#include "instatunnel/engine/scheduler.hpp"
#include "instatunnel/engine/stream_tap.hpp"
#include "instatunnel/wire/itp_frame.hpp"
#include "instatunnel/wire/itp_head.hpp"

/// The tunnel engine: one session between a client and an edge, as a state machine. Bytes and time go in, bytes and
/// calls come out; no sockets, no clock, no threads. To follow one request start at session::open() (edge) and
/// session_events::on_open (client).
namespace instatunnel::engine {

class session;
class stream;

using wire::itp::code;

/// Whether the next hop took bytes as they came or kept them waiting: only the former shows that the window is too
/// small.
enum class pace : std::uint8_t { free, waited };

/// What the owner of a stream is told. Every call may write to the stream or release it.
class stream_events {
public:
    /// The reply's head (edge side). An interim head (1xx) is followed by another one.
    virtual void on_head(stream&, const wire::itp::reply_head&, std::uint8_t /*flags*/) {}
    /// Body bytes, valid during the call. Return them with stream::consumed when the next hop has taken them.
    virtual void on_data(stream&, std::string_view bytes) = 0;
    virtual void on_trailers(stream&, const std::vector<wire::field>&) {}
    /// The peer has finished its direction.
    virtual void on_end(stream&) = 0;
    /// Both directions are dead: the peer reset the stream, or the session is gone (code::session_lost). The owner must
    /// release it.
    virtual void on_reset(stream&, code why, std::string_view text) = 0;
    /// The peer does not want more of what we send; what is queued was dropped. The other direction goes on.
    virtual void on_stop(stream&) {}
    /// The send queue has fallen to its low mark again.
    virtual void on_drained(stream&) {}
    /// The lane took bytes out of the send queue (only after stream::watch_progress()). For bookkeeping: the stream may
    /// be neither written to nor released in this call.
    virtual void on_progress(stream&) {}
    /// The client has begun to hand the request to its app (edge side).
    virtual void on_accepted(stream&) {}

protected:
    ~stream_events() = default;
};

/// One exchange. Owned by the session; an application holds it by pointer until it calls release().
class stream : private schedule_link {
public:
    static constexpr std::size_t high_water = 256 * 1024;
    static constexpr std::size_t low_water = 128 * 1024;

    std::uint32_t id() const noexcept { return id_; }
    void set_events(stream_events& events) noexcept { events_ = &events; }

    /// A head longer than `max_head_size` once encoded resets the stream with `head_too_large`; so it is with trailers.
    void send_reply(const wire::itp::reply_head& head, std::uint8_t flags);
    /// Queues body bytes (copied). With `push` they belong to a message that should not wait.
    void write(std::string_view bytes, bool push = false);
    /// Memory to receive body bytes into, at most one frame's worth; then commit(). Valid until the next call on the
    /// stream. Empty when the send direction is over.
    std::span<char> reserve();
    void commit(std::size_t bytes);
    void send_trailers(const std::vector<wire::field>& fields);  ///< implies the end
    void finish();                                               ///< END
    void accept();  ///< client side: the request is being handed to the app
    /// Kills both directions; the owner still has to release().
    void reset(code why, std::string_view text);
    /// Returns credit for bytes that the next hop has taken.
    void consumed(std::size_t bytes, pace how = pace::free);
    /// The owner is done with it and will not touch it again. A stream that is not finished is reset with `cancelled`;
    /// on the client's side what was sent up to finish() leaves before that.
    void release();

    /// From now on the owner is told on_progress.
    void watch_progress() noexcept { progress_watched_ = true; }
    /// Client side, in session_events::on_open: `tap` sees everything that follows. Without one a stream pays a branch.
    void set_tap(std::unique_ptr<stream_tap> tap) noexcept { tap_ = std::move(tap); }

    std::size_t queued() const noexcept { return queued_; }
    bool is_congested() const noexcept { return queued_ >= high_water; }
    bool send_finished() const noexcept { return end_queued_ || dead_; }
    bool receive_finished() const noexcept { return receive_end_ || dead_; }
    bool is_dead() const noexcept { return dead_; }
    std::uint64_t bytes_sent() const noexcept { return sent_; }  ///< body bytes that the lane took

private:
    friend class session;
    stream(session& owner, std::uint32_t id, std::uint32_t window)
        : session_(owner), id_(id), receive_(window), credit_(window) {}

    bool has_sendable() const noexcept;
    void drop_queue();
    void drop_empty_tail();

    session& session_;
    std::uint32_t id_;
    stream_events* events_ = nullptr;
    std::unique_ptr<stream_tap> tap_;
    receive_window receive_;
    send_credit credit_;
    chunk* first_ = nullptr;
    chunk* last_ = nullptr;
    std::size_t queued_ = 0;
    std::uint64_t sent_ = 0;
    std::string trailers_;
    bool end_queued_ = false;  // END (or TRAILERS) stands behind the queue
    bool has_trailers_ = false;
    bool end_sent_ = false;
    bool receive_end_ = false;
    bool stopped_ = false;  // the peer asked to stop sending
    bool push_ = false;     // the queue holds a message
    bool above_high_ = false;
    bool progress_watched_ = false;
    bool dead_ = false;
    bool released_ = false;
    bool accepted_ = false;   // edge side: the client has begun with it
    bool head_seen_ = false;  // the final reply head has come
    unsigned interim_heads_ = 0;
};

/// Where the session's bytes go: a TLS connection, or a string in tests.
class session_output {
public:
    virtual void write(std::string_view bytes) = 0;
    /// Bytes not yet taken by the kernel.
    virtual std::size_t queued() const = 0;
    /// The session has something to send: call session::flush() at the end of the turn.
    virtual void request_flush() = 0;

protected:
    ~session_output() = default;
};

class session_events {
public:
    /// A new stream of the peer. The head's views live during the call. Give the stream its owner (set_events) or reset
    /// and release it.
    virtual void on_open(stream&, const wire::itp::open_head&, std::uint8_t flags) = 0;
    virtual void on_hello(std::string_view /*json*/) {}
    virtual void on_welcome(std::string_view /*json*/) {}
    virtual void on_ctrl(std::string_view /*json*/) {}
    /// The peer takes no new streams; `text` says why.
    virtual void on_goaway(code, std::string_view /*text*/) {}
    /// The peer ended the session with a reason. The owner closes the lane.
    virtual void on_peer_error(code, std::string_view /*text*/) = 0;
    /// The peer broke the protocol; an ERROR frame is queued. The owner flushes and closes the lane.
    virtual void on_violation(code, std::string_view rule) = 0;

protected:
    ~session_events() = default;
};

enum class role : std::uint8_t { client, edge };

struct session_limits {
    std::size_t max_streams = 2000;
    std::size_t max_unaccepted = 256;  ///< see session::opens_wait()
    /// Windows may grow while the sum of what they could make us hold stays below this.
    std::uint64_t growth_budget = 16ull * 1024 * 1024;
    std::uint32_t window = wire::itp::initial_window;
    std::chrono::milliseconds ping_after{4000};  ///< of silence
    std::chrono::milliseconds dead_after{8500};  ///< of silence
};

class session {
public:
    session(role who, session_output& out, session_events& events, chunk_pool& chunks, session_limits limits = {});
    /// Streams that were not released by then are told session_lost first; their owners must have released them in that
    /// call.
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    /// Queues our preface; call once, first.
    void start();
    /// Reads what came from the peer. False after a violation or an ERROR frame: nothing more will be read.
    bool receive(std::string_view bytes, time_point now);
    /// Writes queued frames to the output, at most until it holds `lane_high_water`.
    void flush();
    bool has_output() const noexcept { return !batch_.empty() || !grants_.empty() || !ready_.empty(); }

    /// Opens a stream to the peer (edge side: a visitor's request). Null when the limit of streams is reached, the head
    /// is longer than `max_head_size` once encoded, or the session is going away.
    stream* open(const wire::itp::open_head& head, std::uint8_t flags, stream_events& events);

    void send_hello(std::string_view json);
    void send_welcome(std::string_view json);
    void send_goaway(code why, std::string_view text);
    /// ERROR: the last frame of a session. The owner flushes and closes.
    void send_error(code why, std::string_view text);

    /// Call at least once a second: sends PING when nothing came for a while. False: the peer is silent for longer than
    /// the limit, the lane is lost.
    bool check_alive(time_point now);
    /// Tells every stream that the session is lost. Idempotent.
    void lose_all_streams(std::string_view text);

    /// Whether open() has room for one more. It also refuses heads that are longer than the protocol carries.
    bool can_open() const noexcept {
        return !failed_ && !is_going_away() && open_count_ < limits_.max_streams && next_id_ <= 0x7FFFFFFEu &&
               batch_.size() + out_.queued() < max_backlog;
    }
    /// The peer has not begun with as many streams as it should be sent at once: further ones had better wait. open()
    /// does not refuse them. Once that is over, request_flush() is called.
    bool opens_wait() const noexcept { return unaccepted_ >= limits_.max_unaccepted; }
    std::size_t open_streams() const noexcept { return open_count_; }
    bool is_going_away() const noexcept { return goaway_sent_ || goaway_received_; }
    std::chrono::microseconds round_trip() const noexcept { return round_trip_; }

    static constexpr std::size_t lane_high_water = 128 * 1024;
    /// With this much waiting for the lane no stream is opened: heads are not bounded by credit.
    static constexpr std::size_t max_backlog = 4 * 1024 * 1024;
    static constexpr unsigned max_interim_heads = 64;
    static constexpr std::chrono::milliseconds ping_every{5000};  ///< while streams are open, for the round-trip time

private:
    friend class stream;
    struct table;

    bool handle_frame(const wire::itp::frame_header& h, std::string_view payload);
    bool handle_open(const wire::itp::frame_header& h, std::string_view payload);
    bool handle_head(const wire::itp::frame_header& h, std::string_view payload);
    bool handle_data(const wire::itp::frame_header& h, std::string_view payload);
    bool handle_trailers(const wire::itp::frame_header& h, std::string_view payload);
    bool handle_credit(std::string_view payload);
    bool handle_reset(const wire::itp::frame_header& h, std::string_view payload);
    bool handle_ping(const wire::itp::frame_header& h, std::string_view payload);
    /// Joins heads that span frames. False: violation. `complete` tells whether `payload` now holds the whole head.
    bool join(const wire::itp::frame_header& h, std::string_view& payload, bool& complete);
    bool violate(code why, std::string_view rule);

    void append(wire::itp::frame_type type, std::uint8_t flags, std::uint32_t id, std::string_view payload);
    void append_head(wire::itp::frame_type type, std::uint8_t flags, std::uint32_t id, std::string_view payload);
    void wake_output();
    void make_ready(stream& s);
    bool send_some(stream& s);
    void send_end(stream& s);
    void flush_grants();
    void flush_batch();
    void receive_ended(stream& s);
    void note_accepted(stream& s);
    void kill(stream& s, code why, std::string_view text);
    void forget_if_done(stream& s);
    void erase(stream& s);
    stream* add(std::uint32_t id);
    stream* find(std::uint32_t id) const noexcept;
    bool was_opened(std::uint32_t id) const noexcept;
    void on_consumed(stream& s, std::uint32_t bytes, pace how);

    role role_;
    session_output& out_;
    session_events& events_;
    chunk_pool& chunks_;
    session_limits limits_;
    std::unique_ptr<table> streams_;
    std::size_t open_count_ = 0;
    std::size_t unaccepted_ = 0;
    std::uint32_t next_id_;
    std::uint32_t highest_peer_id_ = 0;

    std::string batch_;       // frames in order, ready to leave
    std::string grants_;      // CREDIT payload of this turn
    std::string carry_;       // the beginning of a frame whose rest has not come
    std::string joined_;      // a head that spans frames
    std::string whole_head_;  // the last of them that came whole; views of the running handler point here
    std::uint32_t joining_stream_ = 0;
    std::uint8_t joining_type_ = 0;
    std::string head_buffer_;
    wire::itp::open_head open_head_;
    wire::itp::reply_head reply_head_;
    std::vector<wire::field> field_buffer_;
    scheduler ready_;

    bool preface_seen_ = false;
    bool failed_ = false;
    bool goaway_sent_ = false;
    bool goaway_received_ = false;
    bool flush_requested_ = false;
    std::uint64_t window_growth_ = 0;
    time_point now_{};
    time_point last_received_{};
    time_point ping_sent_{};
    bool ping_outstanding_ = false;
    unsigned pings_this_second_ = 0;
    time_point ping_second_{};
    std::chrono::microseconds round_trip_{0};
    path_round_trip path_;
};

}  // namespace instatunnel::engine
