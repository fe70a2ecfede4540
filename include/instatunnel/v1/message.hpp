#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/v1/web_socket.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::v1 {

/// Names and values as the format has them: one value a name.
using field_map = std::vector<std::pair<std::string, std::string>>;

enum class message_kind : std::uint8_t { other, connected, request, response, ping, pong };

/// What one message says; of kinds that carry nothing the rest is empty.
struct message {
    message_kind kind = message_kind::other;
    std::string id;
    std::string method;
    std::string url;  ///< path and query
    int status = 0;
    field_map fields;
    std::string body;             ///< decoded
    bool body_too_large = false;  ///< longer than asked for: `body` is empty then
};

/// Reads one message from its text, part by part. Holds no more of it than a message has, and of a body no more than
/// it was told to.
class message_reader {
public:
    static constexpr std::size_t max_id = 128;
    static constexpr std::size_t max_url = 32 * 1024;
    static constexpr std::size_t max_fields_size = 64 * 1024;
    static constexpr std::size_t max_fields = 500;

    message_reader();
    ~message_reader();
    message_reader(const message_reader&) = delete;
    message_reader& operator=(const message_reader&) = delete;

    /// Forgets the message before; `max_body` bytes of a body are kept.
    void start(std::size_t max_body);
    /// False: it is not JSON.
    bool read(std::string_view part);
    /// After the last part. False: it is not the whole of a JSON object.
    bool finish();
    /// Why a request or response cannot be used although it is JSON: a member is missing or of another type, or too
    /// long. Empty: it can.
    std::string_view problem() const noexcept;
    message& result() noexcept;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

/// {"type":TYPE}. `held` lives as long as the message waits to be sent.
std::unique_ptr<message_source> plain_message(std::string_view type, std::shared_ptr<void> held = nullptr);
/// "connected", with the tunnel's public address.
std::unique_ptr<message_source> connected_message(std::string_view url);
/// `held` lives as long as the message: it may count its bytes.
std::unique_ptr<message_source> request_message(const message& m, std::string body, std::shared_ptr<void> held);
std::unique_ptr<message_source> response_message(const message& m, std::string body, std::shared_ptr<void> held);

/// Fields as the format has them: those of the hop and Content-Length stay out, lines of one name are joined (Cookie by
/// semicolons, RFC 6265 §5.4; others by commas, RFC 9110 §5.3). Set-Cookie cannot be joined: each line after the first
/// has its name spelled in other letter cases, which are other names for JSON and the same for HTTP.
field_map to_map(const std::vector<wire::field>& fields);
/// Views into `map`; what only concerns the hop, and fields that `Connection` names, stay out. False: a name or value
/// is not valid HTTP.
bool from_map(const field_map& map, std::vector<wire::field>& fields);
/// First value of that name, in any letter case.
std::string_view find_value(const field_map& map, std::string_view name) noexcept;

/// Bytes that one tunnel may make its machine hold.
class byte_budget : public std::enable_shared_from_this<byte_budget> {
public:
    explicit byte_budget(std::size_t limit) : limit_(limit) {}
    std::size_t left() const noexcept { return limit_ - used_; }
    bool take(std::size_t bytes) noexcept {
        if (bytes > left()) return false;
        used_ += bytes;
        return true;
    }
    void give(std::size_t bytes) noexcept { used_ -= bytes; }

private:
    std::size_t limit_;
    std::size_t used_ = 0;
};

/// A share of a budget, given back with it.
class held_bytes {
public:
    explicit held_bytes(std::shared_ptr<byte_budget> budget) : budget_(std::move(budget)) {}
    ~held_bytes() { budget_->give(size_); }
    held_bytes(const held_bytes&) = delete;
    held_bytes& operator=(const held_bytes&) = delete;
    bool grow(std::size_t bytes) noexcept {
        if (!budget_->take(bytes)) return false;
        size_ += bytes;
        return true;
    }
    /// Appends to `text`, counting what it takes, which is up to twice its size while it grows. False: there is no
    /// room.
    bool append(std::string& text, std::string_view bytes) {
        const auto needed = text.size() + bytes.size();
        if (needed > text.capacity()) {
            const auto next = std::max(needed, 2 * text.capacity());
            if (!grow(next - text.capacity())) return false;
            text.reserve(next);
        }
        text.append(bytes);
        return true;
    }
    /// Gives back what a text that append() has made has more than its size.
    void trim(std::string& text) {
        const auto before = text.capacity();
        text.shrink_to_fit();
        const auto back = std::min(before - std::min(before, text.capacity()), size_);
        budget_->give(back);
        size_ -= back;
    }

private:
    std::shared_ptr<byte_budget> budget_;
    std::size_t size_ = 0;
};

}  // namespace instatunnel::v1
