#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace instatunnel::mcp {

/// One event of a text/event-stream (HTML Living Standard §9.2).
struct stream_event {
    std::string name;  ///< empty: "message"
    std::string data;
    std::string id;
    bool has_data = false;
};
/// Reads the lines of one event.
stream_event read_event(std::string_view lines);
/// The same lines with other data.
std::string replace_data(std::string_view lines, std::string_view data);
/// `event: NAME` (unless empty), `id: ID` (unless empty), data, and the empty line.
std::string make_event(std::string_view name, std::string_view id, std::string_view data);

/// Splits a stream into events as they come, whatever the pieces. Comments are never held.
class event_splitter {
public:
    /// An event longer than `limit` bytes ends the splitting.
    explicit event_splitter(std::size_t limit) : limit_(limit) {}

    enum class piece : std::uint8_t {
        need_more,  ///< all input is used
        event,      ///< `text` holds the lines of an event with the empty one behind them
        other,      ///< `text` holds a comment or a line end that belongs to no event
        too_long,
    };
    struct step {
        piece what = piece::need_more;
        std::string_view text;  ///< valid until the next call
    };
    /// Takes from `input` what it has used. Call again until need_more.
    step next(std::string_view& input);

    std::size_t held() const noexcept { return event_.size() + line_.size(); }
    /// What has come of an event that is not whole.
    std::string take_rest();

private:
    step end_line();

    std::size_t limit_;
    std::string line_;   ///< the line that is being read
    std::string event_;  ///< whole lines of the event
    std::string given_;  ///< what the last step returned
    bool after_cr_ = false;
    bool cr_in_event_ = false;  ///< that line is in event_
};

}  // namespace instatunnel::mcp
