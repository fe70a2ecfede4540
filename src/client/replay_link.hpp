#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/client/recording.hpp"
#include "instatunnel/client/replay.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "origin.hpp"

namespace instatunnel::client {

class replay_link;

class replay_link_events {
public:
    /// The reply has ended, or the request failed. The owner retires the link.
    virtual void on_replayed(replay_link&) = 0;

protected:
    ~replay_link_events() = default;
};

/// A request that comes from this process and not from an edge: two sessions of the tunnel's protocol, joined in
/// memory. So it takes the way of every other request, with the connections, the protocol, the filter of tools and the
/// recording of the tunnel, whatever its origin is.
///
///     replay_link: edge's session == bytes == client's session -> origin
///
/// One loop's thread. What comes back is only counted here; the tap on the client's session records it.
class replay_link final : public net::retirable,
                          private net::deferred,
                          private engine::session_events,
                          private engine::stream_events {
public:
    /// `number`: under which `record` has announced it. All references outlive the link.
    replay_link(net::event_loop& loop, engine::chunk_pool& chunks, origin& to, recording& record, std::uint64_t number,
                replay_request what, replay_link_events& events);
    ~replay_link() override;

    void start();
    std::uint64_t number() const noexcept { return number_; }
    /// Nobody waits any more: the request is reset, with `why` in the recording. No event follows.
    void abandon(std::string_view why);

private:
    struct end final : engine::session_output {
        explicit end(replay_link& of) : link(of) {}
        void write(std::string_view more) override { bytes.append(more); }
        std::size_t queued() const override { return bytes.size(); }
        void request_flush() override { link.loop_.defer(link); }
        replay_link& link;
        std::string bytes;
    };

    void run_deferred() override;
    bool carry(engine::session& from, end& held, engine::session& to);
    void over();

    void on_open(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override;
    void on_peer_error(engine::code, std::string_view) override { over(); }
    void on_violation(engine::code, std::string_view) override { over(); }

    void on_data(engine::stream& s, std::string_view bytes) override { s.consumed(bytes.size()); }
    void on_end(engine::stream& s) override;
    void on_reset(engine::stream& s, engine::code, std::string_view) override;
    void on_stop(engine::stream&) override {}

    net::event_loop& loop_;
    origin& origin_;
    recording& record_;
    std::uint64_t number_;
    replay_request what_;
    replay_link_events* events_;
    end edge_end_{*this};
    end client_end_{*this};
    engine::session edge_;
    engine::session client_;
    engine::stream* stream_ = nullptr;  ///< the edge's
};

}  // namespace instatunnel::client
