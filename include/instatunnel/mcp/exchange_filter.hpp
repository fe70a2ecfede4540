#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/mcp/event_stream.hpp"
#include "instatunnel/mcp/message.hpp"
#include "instatunnel/mcp/tool_rules.hpp"
#include "instatunnel/mcp/tool_watch.hpp"
#include "instatunnel/wire/http1.hpp"

/// The filter of MCP tools between a tunnel and the local server, one exchange at a time: bytes in, bytes and verdicts
/// out.
namespace instatunnel::mcp {

/// What the exchanges of one tunnel share. One thread.
struct filter_state {
    static constexpr std::size_t max_message = 16 * 1024 * 1024;
    static constexpr std::size_t max_held = 64 * 1024 * 1024;  ///< in all exchanges together

    tool_rules rules;
    tool_watch watch;
    std::size_t held = 0;
};

/// A request that does not reach the server, and what is answered instead.
struct refusal {
    int status = 0;
    std::string body;         ///< JSON-RPC
    bool for_stream = false;  ///< `body` is an answer to calls, which the older transport expects in its event stream
};

/// Rules:
/// - A request's body that is or may be JSON is held until it is whole, and passed on unchanged if it holds no call of
/// a
///   tool that is not permitted. Other bodies flow.
/// - One refused call in a batch refuses the batch: every request of it is answered with an error.
/// - A body with a content coding, another charset than UTF-8, or longer than `max_message` is refused: nobody has
///   looked at it.
/// - A reply in JSON is held until it is whole; events are held one by one. Without rules nothing is held: tools are
///   only watched.
class exchange_filter {
public:
    /// `shared` outlives it.
    explicit exchange_filter(filter_state& shared) : shared_(shared) {}
    ~exchange_filter() { let_go(); }
    exchange_filter(const exchange_filter&) = delete;
    exchange_filter& operator=(const exchange_filter&) = delete;

    bool filters() const noexcept { return shared_.rules.any(); }

    // --- request ---
    enum class request_verdict : std::uint8_t {
        hold,     ///< wait: nothing may leave for the server yet
        forward,  ///< everything in held_request() and what follows may leave
        refuse,   ///< see refused()
    };
    /// `is_upgrade`: another protocol is asked for; `ends`: there is no body.
    request_verdict start(const std::vector<wire::field>& fields, bool is_upgrade, bool ends);
    request_verdict on_request_data(std::string_view bytes);
    request_verdict on_request_end();
    const std::string& held_request() const noexcept { return request_; }
    void forget_request();
    const refusal& refused() const noexcept { return refusal_; }

    // --- reply ---
    enum class reply_plan : std::uint8_t {
        pass,    ///< untouched
        watch,   ///< flows; show it to watch_reply()
        whole,   ///< hold head and body; the body is what take_reply() returns
        events,  ///< flows through filter_events(); its length is not known before
        refuse,  ///< it cannot be read
    };
    reply_plan plan_reply(const std::vector<wire::field>& fields, bool has_body);
    reply_plan plan() const noexcept { return plan_; }
    void watch_reply(std::string_view bytes);
    void end_watch();
    /// False: longer than may be held.
    bool hold_reply(std::string_view bytes);
    std::string take_reply();
    /// Appends to `out` what may be sent on now. What has come of an event at the stream's end is not sent: nobody
    /// reads it (HTML Living Standard §9.2.6). False: an event is longer than may be held.
    bool filter_events(std::string_view bytes, std::string& out);
    /// The address for messages that an older server has named in its stream; empty: none (yet).
    const std::string& endpoint() const noexcept { return endpoint_; }

private:
    request_verdict refuse(int status, int code, std::string_view why);
    request_verdict judge();
    bool walk_events(std::string_view bytes, const std::function<void(const event_splitter::step&)>& take);
    bool hold(std::size_t bytes);
    void let_go();
    std::string filter_event(std::string_view lines);
    void note_event(std::string_view lines);

    filter_state& shared_;
    std::string request_;
    bool is_json_ = false;
    bool decided_ = true;  ///< the body flows
    refusal refusal_;
    reply_plan plan_ = reply_plan::pass;
    bool watches_events_ = false;
    bool watch_lost_ = false;  ///< longer than is watched
    std::string reply_;
    event_splitter events_{filter_state::max_message};
    std::string endpoint_;
    std::size_t held_ = 0;  ///< of shared_.held
};

}  // namespace instatunnel::mcp
