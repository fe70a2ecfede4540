#include "instatunnel/v1/web_socket.hpp"

#include <openssl/evp.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>
#include <optional>
#include <utility>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::v1 {
namespace {

constexpr std::size_t max_reason = 120;  // of the 123 bytes that a control frame has for it

std::string_view as_text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
}

// A cut in the middle of a character would be a violation of ours.
std::string_view shorten(std::string_view reason) {
    if (reason.size() <= max_reason) return reason;
    auto end = max_reason;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80)
        --end;
    return reason.substr(0, end);
}

}  // namespace

class web_socket::impl {
public:
    impl(side who, socket_events& events) : events_(events) {
        wslay_event_callbacks calls{};
        calls.recv_callback = on_read;
        calls.send_callback = on_write;
        calls.genmask_callback = on_mask;
        calls.on_frame_recv_start_callback = on_frame;
        calls.on_frame_recv_chunk_callback = on_chunk;
        calls.on_msg_recv_callback = on_message;
        const int made = who == side::server ? wslay_event_context_server_init(&context_, &calls, this)
                                             : wslay_event_context_client_init(&context_, &calls, this);
        if (made != 0) throw std::bad_alloc();
        wslay_event_config_set_no_buffering(context_, 1);
        wslay_event_config_set_max_recv_msg_length(context_, std::uint64_t{1} << 62);
    }
    ~impl() { wslay_event_context_free(context_); }
    impl(const impl&) = delete;
    impl& operator=(const impl&) = delete;

    bool receive(std::string_view bytes) {
        if (closed_) return false;
        input_ = bytes;
        const int got = wslay_event_recv(context_);
        input_ = {};
        if (closed_) return false;
        if (refused_) cut(*refused_, "only text messages are spoken here");
        flush();
        if (!has_output())
            pings_ = 0;
        else if (pings_ > max_waiting_pings)
            cut(close_code::policy, "too many pings");
        if (got == 0 && !refused_ && wslay_event_want_read(context_) != 0 && !wslay_event_get_close_sent(context_))
            return true;
        end();
        return false;
    }

    void flush() {
        if (wslay_event_want_write(context_) != 0) (void)wslay_event_send(context_);
    }

    void send(std::unique_ptr<message_source> text) {
        wslay_event_fragmented_msg message{};
        message.opcode = WSLAY_TEXT_FRAME;
        message.source.data = text.get();
        message.read_callback = on_source;
        if (closed_ || wslay_event_queue_fragmented_msg(context_, &message) != 0) return;
        sources_.push_back(std::move(text));
        flush();
    }

    void ping() {
        wslay_event_msg message{};
        message.opcode = WSLAY_PING;
        if (wslay_event_queue_msg(context_, &message) == 0) flush();
    }

    void close(close_code why, std::string_view reason) {
        reason = shorten(reason);
        (void)wslay_event_queue_close(context_, static_cast<std::uint16_t>(why),
                                      reinterpret_cast<const std::uint8_t*>(reason.data()), reason.size());
        if (why_ == close_code::none) {
            why_ = why;
            reason_ = reason;
        }
        flush();
    }

    bool is_closed() const noexcept { return closed_; }
    bool has_output() const noexcept { return wslay_event_want_write(context_) != 0; }
    std::size_t waiting() const noexcept { return sources_.size(); }

private:
    static impl& self(void* user) { return *static_cast<impl*>(user); }

    static ssize_t on_read(wslay_event_context_ptr context, std::uint8_t* into, std::size_t size, int, void* user) {
        auto& me = self(user);
        if (me.input_.empty() || me.refused_) {
            wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
            return -1;
        }
        const auto part = me.input_.substr(0, size);
        std::memcpy(into, part.data(), part.size());
        me.input_.remove_prefix(part.size());
        return static_cast<ssize_t>(part.size());
    }

    static ssize_t on_write(wslay_event_context_ptr context, const std::uint8_t* bytes, std::size_t size, int,
                            void* user) {
        auto& me = self(user);
        if (me.events_.is_congested()) {
            wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
            return -1;
        }
        me.events_.write(as_text(bytes, size));
        return static_cast<ssize_t>(size);
    }

    static int on_mask(wslay_event_context_ptr, std::uint8_t* into, std::size_t size, void*) {
        fill_random({into, size});
        return 0;
    }

    static void on_frame(wslay_event_context_ptr, const wslay_event_on_frame_recv_start_arg* frame, void* user) {
        auto& me = self(user);
        me.in_control_ = wslay_is_ctrl_frame(frame->opcode) != 0;
        if (frame->opcode == WSLAY_BINARY_FRAME) me.refused_ = close_code::unsupported;
    }

    static void on_chunk(wslay_event_context_ptr, const wslay_event_on_frame_recv_chunk_arg* chunk, void* user) {
        auto& me = self(user);
        if (!me.in_control_ && !me.refused_ && chunk->data_length != 0)
            me.events_.on_text(as_text(chunk->data, chunk->data_length));
    }

    static void on_message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message, void* user) {
        auto& me = self(user);
        if (message->opcode == WSLAY_TEXT_FRAME) return me.events_.on_text_end();
        if (message->opcode == WSLAY_PING) ++me.pings_;
        if (message->opcode == WSLAY_PONG) return me.events_.on_pong();
        if (message->opcode != WSLAY_CONNECTION_CLOSE) return;
        if (me.why_ != close_code::none) return;
        if (message->status_code != 0) me.why_ = static_cast<close_code>(message->status_code);
        if (message->msg_length > 2) me.reason_ = as_text(message->msg + 2, message->msg_length - 2);
    }

    static ssize_t on_source(wslay_event_context_ptr, std::uint8_t* into, std::size_t size,
                             const wslay_event_msg_source* source, int* eof, void* user) {
        auto& me = self(user);
        bool ended = false;
        const auto got = static_cast<message_source*>(source->data)->read({reinterpret_cast<char*>(into), size}, ended);
        *eof = ended ? 1 : 0;
        if (ended && !me.sources_.empty()) me.sources_.pop_front();  // messages leave in the order they came
        return static_cast<ssize_t>(got);
    }

    void cut(close_code why, std::string_view reason) {
        refused_ = why;
        close(why, reason);
    }

    void end() {
        if (std::exchange(closed_, true)) return;
        if (why_ == close_code::none && wslay_event_get_close_received(context_) == 0) {
            const auto sent = wslay_event_get_status_code_sent(context_);
            const bool is_told = sent == WSLAY_CODE_PROTOCOL_ERROR || sent == WSLAY_CODE_INVALID_FRAME_PAYLOAD_DATA;
            why_ = is_told ? static_cast<close_code>(sent) : close_code::protocol;
        }
        events_.on_closed(why_, reason_);
    }

    socket_events& events_;
    wslay_event_context_ptr context_ = nullptr;
    std::string_view input_;
    std::deque<std::unique_ptr<message_source>> sources_;
    std::optional<close_code> refused_;
    close_code why_ = close_code::none;
    std::string reason_;
    int pings_ = 0;  ///< since everything had left
    bool in_control_ = false;
    bool closed_ = false;
};

web_socket::web_socket(side who, socket_events& events) : impl_(std::make_unique<impl>(who, events)) {}
web_socket::~web_socket() = default;

bool web_socket::receive(std::string_view bytes) {
    return impl_->receive(bytes);
}
void web_socket::flush() {
    impl_->flush();
}
void web_socket::send(std::unique_ptr<message_source> text) {
    impl_->send(std::move(text));
}
void web_socket::ping() {
    impl_->ping();
}
void web_socket::close(close_code why, std::string_view reason) {
    impl_->close(why, reason);
}
bool web_socket::is_closed() const noexcept {
    return impl_->is_closed();
}

bool web_socket::has_output() const noexcept {
    return impl_->has_output();
}
std::size_t web_socket::waiting() const noexcept {
    return impl_->waiting();
}

std::string accept_for(std::string_view key) {
    const auto text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
    return to_base64({reinterpret_cast<const char*>(digest), size});
}

bool is_socket_key(std::string_view key) noexcept {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return key.size() == 24 && key.ends_with("==") &&
           key.substr(0, 22).find_first_not_of(alphabet) == std::string_view::npos;
}

std::string make_socket_key() {
    unsigned char bytes[16];
    fill_random(bytes);
    return to_base64({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

}  // namespace instatunnel::v1
