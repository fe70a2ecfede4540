#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/connection.hpp"

/// Raw bytes between a connection and a stream of a session: what both ends of a tcp or tls tunnel do.
namespace instatunnel::relay {

enum class pipe_end : std::uint8_t {
    finished,       ///< both directions came to their end
    by_tunnel,      ///< the other side of the tunnel reset the stream, or the session is lost
    by_connection,  ///< the connection broke
};

class pipe_owner {
public:
    /// Connection and stream are gone already. May destroy the pipe's owner at the end of the turn (retire), not now.
    virtual void on_pipe_over(pipe_end how, engine::code why, std::string_view text) = 0;
    /// The other side of the tunnel has its connection.
    virtual void on_pipe_accepted() {}
    /// Bytes went through, one way or the other.
    virtual void on_pipe_moved(std::size_t /*from_connection*/, std::size_t /*to_connection*/) {}

protected:
    ~pipe_owner() = default;
};

/// Moves bytes both ways with back-pressure: what one side does not take is not read from the other, and at most a
/// stream's window waits here. The end of one direction is passed on and leaves the other open; a reset is passed on as
/// a reset, never as a clean end. One loop's thread.
class pipe final : public net::connection_events, public engine::stream_events {
public:
    pipe(net::event_loop& loop, pipe_owner& owner) : loop_(loop), owner_(owner) {}
    ~pipe();
    pipe(const pipe&) = delete;
    pipe& operator=(const pipe&) = delete;

    /// The stream comes first; what it brings before the connection is there waits.
    void join(engine::stream& s);
    void join(std::unique_ptr<net::connection> c);
    /// Resets both sides; the owner is not told.
    void cut(engine::code why, std::string_view text = {});

    bool is_joined() const noexcept { return stream_ != nullptr && conn_ != nullptr; }
    bool is_over() const noexcept { return over_; }
    std::uint64_t bytes_from_connection() const noexcept { return from_connection_; }
    std::uint64_t bytes_to_connection() const noexcept { return to_connection_; }
    /// When a byte last came from either side.
    std::chrono::steady_clock::time_point last_moved() const noexcept { return last_moved_; }

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

    void on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) override;
    void on_data(engine::stream&, std::string_view bytes) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_stop(engine::stream&) override;
    void on_drained(engine::stream&) override;

private:
    void finish_if_done();
    void end(pipe_end how, engine::code why, std::string_view text);
    void let_go(bool reset);

    net::event_loop& loop_;
    pipe_owner& owner_;
    engine::stream* stream_ = nullptr;
    std::unique_ptr<net::connection> conn_;
    std::string early_;     ///< came from the stream before the connection was there
    std::size_t owed_ = 0;  ///< credit for bytes that the connection has not taken
    std::uint64_t from_connection_ = 0;
    std::uint64_t to_connection_ = 0;
    std::chrono::steady_clock::time_point last_moved_{};
    bool reading_paused_ = false;
    bool input_over_ = false;   ///< the connection has ended its direction
    bool output_over_ = false;  ///< the stream has ended its direction
    bool over_ = false;
};

}  // namespace instatunnel::relay
