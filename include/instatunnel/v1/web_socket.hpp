#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

/// The protocol of the published clients: JSON messages over a WebSocket, bodies whole and in base64. docs/v1.md.
namespace instatunnel::v1 {

enum class side : std::uint8_t { server, client };

/// RFC 6455 §7.4.1.
enum class close_code : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol = 1002,
    unsupported = 1003,
    none = 1005,  ///< the peer gave none
    invalid = 1007,
    policy = 1008,
    too_big = 1009,
    internal = 1011,
    later = 1013,
};

/// Our own reasons go as 4000 and their number in ITP (RFC 6455 §7.4.2): published clients take any close for a loss,
/// ours learns that coming back is of no use.
constexpr close_code close_code_of(std::uint16_t itp_code) noexcept {
    return static_cast<close_code>(4000 + itp_code % 1000);
}
/// The number behind it; 0: it is none of ours.
constexpr std::uint16_t itp_code_of(close_code why) noexcept {
    const auto number = static_cast<std::uint16_t>(why);
    return number >= 4000 && number < 5000 ? static_cast<std::uint16_t>(number - 4000) : std::uint16_t{0};
}

/// Text of one message, asked for piece by piece as the connection takes it.
class message_source {
public:
    virtual ~message_source() = default;
    /// Fills at least one byte of `into`; `ended` is set with the last one.
    virtual std::size_t read(std::span<char> into, bool& ended) = 0;
};

/// The owner of a web_socket: its connection, and what it learns. No call may destroy the web_socket.
class socket_events {
public:
    virtual void write(std::string_view bytes) = 0;
    /// The connection has enough to send: call web_socket::flush() when it has not.
    virtual bool is_congested() const = 0;
    /// Part of a text message, in order.
    virtual void on_text(std::string_view part) = 0;
    virtual void on_text_end() = 0;
    virtual void on_pong() {}
    /// Nothing more will be read: the peer closed, or broke the rules. The answer to it is written.
    virtual void on_closed(close_code why, std::string_view reason) = 0;

protected:
    ~socket_events() = default;
};

/// WebSocket framing (RFC 6455) behind the upgrade, without extensions: bytes in, text and bytes out. Pings are
/// answered. Memory does not grow with a message: text is handed on as it comes and taken as it leaves.
class web_socket {
public:
    /// More pings than this whose answers cannot leave, and the peer is cut.
    static constexpr int max_waiting_pings = 512;

    /// `events` outlives it.
    web_socket(side who, socket_events& events);
    ~web_socket();
    web_socket(const web_socket&) = delete;
    web_socket& operator=(const web_socket&) = delete;

    /// False: closed, nothing more is read.
    bool receive(std::string_view bytes);
    void flush();
    void send(std::unique_ptr<message_source> text);
    void ping();
    /// Queues the close frame behind what waits already; at most 120 bytes of `reason` are sent.
    void close(close_code why, std::string_view reason);
    bool is_closed() const noexcept;
    /// Something waits to be sent.
    bool has_output() const noexcept;
    /// Text messages that have not left as a whole.
    std::size_t waiting() const noexcept;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 §4.2.2).
std::string accept_for(std::string_view key);
/// Whether it is the base64 of 16 bytes.
bool is_socket_key(std::string_view key) noexcept;
std::string make_socket_key();

}  // namespace instatunnel::v1
