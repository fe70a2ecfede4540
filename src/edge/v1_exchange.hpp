#pragma once

#include <memory>
#include <string>

#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/v1/message.hpp"

namespace instatunnel::edge {

class v1_bridge;

/// One visitor's request on its way to a v1 client, which takes it whole and answers it whole.
class v1_exchange final : public net::retirable, public engine::stream_events {
public:
    v1_exchange(v1_bridge& owner, engine::stream& s, const wire::itp::open_head& head, std::string id);

    const std::string& id() const noexcept { return request_.id; }
    /// Answers what v1 cannot carry; sends what has no body.
    void begin(const wire::itp::open_head& head, bool ended);
    /// The client's reply; `held` counts its body.
    void reply(v1::message& m, std::shared_ptr<v1::held_bytes> held);
    /// The client's reply cannot be passed on.
    void refuse_reply(std::string_view why);
    /// Its answer is under way or done: no other one counts.
    bool is_answered() const noexcept { return answered_; }

    void on_data(engine::stream&, std::string_view bytes) override;
    void on_end(engine::stream&) override;
    void on_reset(engine::stream&, engine::code why, std::string_view text) override;
    void on_drained(engine::stream&) override { write_body(); }

private:
    void send();
    void answer(int status, std::string_view code_name, std::string_view message, std::string_view hint);
    void write_body();
    void over();

    v1_bridge& owner_;
    engine::stream* stream_;
    v1::message request_;
    std::string accept_;
    bool head_request_ = false;
    bool sent_ = false;
    bool answered_ = false;
    std::shared_ptr<v1::held_bytes> held_;
    std::string body_;  ///< of the request, then of the reply
    std::size_t written_ = 0;
};

}  // namespace instatunnel::edge
