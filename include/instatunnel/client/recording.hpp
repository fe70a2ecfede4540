#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/engine/stream_tap.hpp"
#include "instatunnel/wire/request_filter.hpp"

namespace instatunnel::client {

struct replay_changes;
struct replay_request;

struct recorded_field {
    std::string name;
    std::string value;
};

struct recorded_body {
    std::string bytes;        ///< the first of them, as they travelled (compressed ones are)
    std::uint64_t size = 0;   ///< of all that passed
    bool is_dropped = false;  ///< `bytes` had to give way to newer ones
    bool is_cut() const noexcept { return size > bytes.size(); }
};

/// One request and what came of it. Upgraded connections and event streams stand in the bodies like everything else.
struct recorded {
    enum class stage : std::uint8_t {
        open,      ///< under way
        finished,  ///< both sides have ended
        cut,       ///< it was reset, see `fault`
    };

    std::uint64_t number = 0;     ///< from 1 on, rising in the order in which requests came; never used twice
    std::uint64_t replay_of = 0;  ///< the number of the request that it repeats; 0: a visitor's
    std::string tunnel;           ///< name of the tunnel that it came through
    std::string visitor;          ///< address as the edge told it, without the port; empty: unknown
    bool https = true;
    unsigned http_version = 11;  ///< the visitor's: 10, 11, 20

    std::string method;
    std::string authority;
    std::string path;           ///< with the query
    std::string asked_upgrade;  ///< the protocols of Upgrade; empty: none
    std::vector<recorded_field> fields;
    std::vector<recorded_field> trailers;
    recorded_body body;
    bool request_ended = false;

    int status = 0;           ///< 0: there is no head yet; 502 or 504 where the local program gave none (see `fault`)
    std::string upgraded_to;  ///< "websocket"; empty: an ordinary reply
    bool is_event_stream = false;  ///< text/event-stream, or gRPC: it may last for ever
    std::vector<recorded_field> reply_fields;
    std::vector<recorded_field> reply_trailers;
    recorded_body reply_body;

    stage how = stage::open;
    bool by_visitor = false;  ///< cut by the visitor or the edge
    std::string fault;        ///< "origin_unreachable"; empty: none
    std::string fault_text;   ///< what belongs to it; may be empty

    std::chrono::system_clock::time_point started;
    std::optional<std::chrono::microseconds> first_byte;  ///< of the reply's head, from the start
    std::optional<std::chrono::microseconds> ended;       ///< from the start
};

/// "req_12".
std::string request_id(std::uint64_t number);
/// nullopt: not written like that. "req_0" stands before all.
std::optional<std::uint64_t> parse_request_id(std::string_view id);

/// Which requests are meant; what is empty means all. What is compared is what is shown (see redaction.hpp): a secret
/// cannot be guessed through a filter.
struct recorded_filter {
    std::string tunnel;
    std::string method;
    std::optional<wire::path_pattern> path;  ///< of a pattern with '?' the query counts too
    bool path_has_query = false;
    std::optional<wire::status_set> status;
    bool visitors_only = false;  ///< no replays
    std::string body_text;       ///< stands in the request's body
    /// JSON pointers (RFC 6901) into the request's body and the values there, as JSON. A body that is not kept whole
    /// matches none.
    std::vector<std::pair<std::string, std::string>> json;

    /// Sets `path` and `path_has_query`.
    void set_path(std::string pattern);
    /// Whether both can be compared. Errors: usage, with what is wrong.
    static outcome<void> check_json(const std::string& pointer, const std::string& value);
    /// By all but the bodies.
    bool matches_head(const recorded& r) const;
    /// By the body alone. Costs a parse of it.
    bool matches_body(const recorded& r) const;
};

/// The last requests of one or more tunnels, in memory only; nothing of it is ever written to a file or a log. Tunnels
/// write it on their threads, whoever shows it reads on another: everything here may be called from any thread.
///
/// What is read has its secrets masked; with them it leaves in one way only, make_replay(). They are wiped when they
/// are dropped.
class recording {
public:
    struct limits {
        std::size_t max_requests = 500;            ///< beyond: the oldest is dropped, also one that is under way
        std::size_t max_body = 64 * 1024;          ///< of each body; what is beyond is counted
        std::size_t max_bytes = 32 * 1024 * 1024;  ///< heads and bodies together; beyond: bodies of the oldest go
    };
    /// When a request is told by wait().
    enum class moment : std::uint8_t {
        received,  ///< it is whole; there may be no reply yet
        answered,  ///< it is over, or its reply has begun and may last for ever
    };

    recording() : recording(limits{}) {}
    explicit recording(limits l);
    ~recording();
    recording(const recording&) = delete;
    recording& operator=(const recording&) = delete;

    // --- for tunnels ---

    /// A request that begins. What the tap hears is recorded; it may outlive the recording.
    std::unique_ptr<engine::stream_tap> tap(std::string_view tunnel, const wire::itp::open_head& open,
                                            std::uint8_t flags);
    /// A request of our own that is about to begin. Returns its number.
    std::uint64_t announce(const replay_request& replay);
    /// Of a request that was announced. Null: it has been dropped already.
    std::unique_ptr<engine::stream_tap> tap_announced(std::uint64_t number);
    /// An announced request will not begin, or not go on.
    void give_up(std::uint64_t number, std::string_view fault, std::string_view text);

    // --- for those who read ---

    /// The newest first, at most `limit` of those with a number below `before` (0: all) and above `after`. Without
    /// fields and the bytes of bodies.
    std::vector<recorded> list(const recorded_filter& filter, std::size_t limit, std::uint64_t after = 0,
                               std::uint64_t before = 0) const;
    /// nullopt: there is none of that number, or none any more.
    std::optional<recorded> find(std::uint64_t number) const;
    /// The number of the newest request, also one that was dropped; 0: there was none.
    std::uint64_t newest() const;
    /// The oldest request above `after` that matches and has come to `when`. nullopt: none until `deadline`, or until
    /// `stop`.
    std::optional<recorded> wait(const recorded_filter& filter, std::uint64_t after, moment when,
                                 std::chrono::steady_clock::time_point deadline, const std::stop_token& stop) const;
    /// False: that request is not over at `deadline`, or at `stop`. One that was dropped counts as over.
    bool wait_until_over(std::uint64_t number, std::chrono::steady_clock::time_point deadline,
                         const std::stop_token& stop) const;

private:
    friend outcome<replay_request> make_replay(const recording&, std::uint64_t, const replay_changes&);
    /// With its secrets.
    std::optional<recorded> original(std::uint64_t number) const;

    struct entry;
    struct shared;
    class writer;
    // Taps hold it too: a stream may end after whoever recorded it.
    std::shared_ptr<shared> shared_;
};

}  // namespace instatunnel::client
