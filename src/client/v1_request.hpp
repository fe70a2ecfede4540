#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/v1/message.hpp"

namespace instatunnel::client {

class v1_link;

/// One request that a v1 server sent, on its way through the session to the app; its reply is collected and sent back
/// whole.
class v1_request final : public net::retirable, public engine::stream_events {
public:
    v1_request(v1_link& owner, v1::message& asked, std::shared_ptr<v1::held_bytes> held);

    const std::string& id() const noexcept { return reply_.id; }
    void begin(engine::session& session, std::uint64_t request_id, std::string_view default_host);
    /// The reply is a stream of events that does not end: nobody will ever see it.
    bool is_endless(std::chrono::steady_clock::time_point now) const noexcept;
    void give_up();

    void on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) override;
    void on_data(engine::stream&, std::string_view bytes) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_drained(engine::stream&) override { write_body(); }
    void on_stop(engine::stream&) override { stopped_ = true; }

private:
    void write_body();
    /// Answers instead of the app.
    void answer(int status, const std::string& text);
    void over();

    v1_link& owner_;
    engine::stream* stream_ = nullptr;
    v1::message asked_;
    v1::message reply_;
    std::size_t written_ = 0;
    bool stopped_ = false;
    std::optional<std::chrono::steady_clock::time_point> events_since_;  ///< it is a stream of events
    std::shared_ptr<v1::held_bytes> held_;
    std::string body_;  ///< of the reply
};

}  // namespace instatunnel::client
