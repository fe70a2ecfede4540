#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/client/recording.hpp"
#include "instatunnel/client/replay.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "origin.hpp"
#include "replay_link.hpp"

namespace instatunnel::client {

/// The replays of a tunnel: asked for on any thread, answered on the loop's.
class replay_queue final : private replay_link_events {
public:
    /// `record` may be null: then run() fails. All outlive the queue.
    replay_queue(net::event_loop& loop, engine::chunk_pool& chunks, recording* record) noexcept
        : loop_(loop), chunks_(chunks), record_(record) {}

    /// From now on run() has somebody to answer: `to`, which outlives what is under way.
    void open(origin& to);
    /// Whatever is under way is cut and recorded as such; later ones are refused. On the loop's thread.
    void close();

    /// As tunnel::replay(). On any thread but the loop's.
    outcome<recorded> run(replay_request what, std::chrono::milliseconds limit, const std::stop_token& stop);

private:
    std::optional<std::uint64_t> post(replay_request what);
    void begin(std::uint64_t number, replay_request what);
    void cut(std::uint64_t number);
    void drop(std::uint64_t number);
    void on_replayed(replay_link& link) override { drop(link.number()); }

    net::event_loop& loop_;
    engine::chunk_pool& chunks_;
    recording* record_;
    std::vector<std::unique_ptr<replay_link>> links_;
    std::mutex guard_;
    origin* origin_ = nullptr;           ///< with guard_: null while nobody answers
    std::vector<std::uint64_t> posted_;  ///< with guard_: announced, but not begun
};

}  // namespace instatunnel::client
