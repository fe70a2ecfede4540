#include "sample_connection.hpp"

#include <openssl/evp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/wire/http_date.hpp"

namespace instatunnel::app {
namespace {

constexpr auto idle_limit = std::chrono::seconds(60);
constexpr auto closing_limit = std::chrono::seconds(2);
constexpr auto tick_interval = std::chrono::seconds(1);
constexpr std::size_t block_size = 16384;

bool is_for_later(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

void sample_connection::digest_deleter::operator()(EVP_MD_CTX* digest) const noexcept {
    EVP_MD_CTX_free(digest);
}

sample_connection::sample_connection(unique_fd fd, clock::time_point now)
    : fd_(std::move(fd)), give_up_(now + idle_limit), digest_(EVP_MD_CTX_new()) {}
sample_connection::~sample_connection() = default;
sample_connection::sample_connection(sample_connection&&) noexcept = default;
sample_connection& sample_connection::operator=(sample_connection&&) noexcept = default;

short sample_connection::events() const noexcept {
    return static_cast<short>(sent_ < out_.size() ? POLLOUT : POLLIN);
}

sample_connection::clock::time_point sample_connection::due() const noexcept {
    const bool may_tick = phase_ == phase::events && out_.empty();
    return may_tick ? std::min(next_tick_, give_up_) : give_up_;
}

bool sample_connection::advance(clock::time_point now) {
    if (now >= give_up_) return false;
    for (;;) {
        const auto result = step(now);
        if (result == progress::over) return false;
        if (result == progress::blocked) return true;
        const bool is_lingering = phase_ == phase::closing && out_.empty();
        if (!is_lingering) give_up_ = now + idle_limit;
    }
}

sample_connection::progress sample_connection::step(clock::time_point now) {
    if (sent_ < out_.size()) return flush(now);
    switch (phase_) {
        case phase::head:
            return take_head();
        case phase::body:
            return take_body();
        case phase::events:
            return send_events(now);
        case phase::closing:
            return discard();
    }
    return progress::over;
}

sample_connection::progress sample_connection::flush(clock::time_point now) {
    const auto n = ::send(fd_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0) return is_for_later(errno) ? progress::blocked : progress::over;
    sent_ += static_cast<std::size_t>(n);
    if (sent_ == out_.size()) {
        out_.clear();
        sent_ = 0;
        // The peer may still be sending: a close with bytes unread would reset the connection under our answer.
        if (phase_ == phase::closing) {
            ::shutdown(fd_.get(), SHUT_WR);
            give_up_ = now + closing_limit;
        }
    }
    return progress::made;
}

sample_connection::progress sample_connection::receive() {
    char block[block_size];
    const auto n = ::recv(fd_.get(), block, sizeof block, 0);
    if (n < 0) return is_for_later(errno) ? progress::blocked : progress::over;
    if (n == 0) return progress::over;
    in_.append(block, static_cast<std::size_t>(n));
    return progress::made;
}

sample_connection::progress sample_connection::take_head() {
    const auto parsed = wire::parse_request_head(in_, seen_, wire::http1_limits{}, head_);
    if (parsed.status == wire::parse_status::incomplete) {
        seen_ = in_.size();
        return receive();
    }
    seen_ = 0;
    if (parsed.status == wire::parse_status::invalid) {
        refuse(parsed.http_status, parsed.reason);
        return progress::made;
    }
    request_ = {};
    request_.method = head_.method;
    request_.path = head_.path;
    request_.host = head_.authority;
    for (const auto& field : head_.fields)
        request_.fields.emplace_back(field.name, field.value);
    keep_alive_ = head_.keep_alive;
    is_old_http_ = head_.minor_version == 0;
    is_chunked_ = head_.body == wire::body_kind::chunked;
    body_left_ = head_.body == wire::body_kind::length ? head_.content_length : 0;
    decoder_.reset();
    EVP_DigestInit_ex(digest_.get(), EVP_sha256(), nullptr);
    const bool has_body = is_chunked_ || body_left_ > 0;
    if (head_.expect_continue && has_body) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    in_.erase(0, parsed.consumed);
    phase_ = phase::body;
    return progress::made;
}

sample_connection::progress sample_connection::take_body() {
    return is_chunked_ ? take_chunks() : take_length();
}

sample_connection::progress sample_connection::take_length() {
    const auto here = static_cast<std::size_t>(std::min<std::uint64_t>(in_.size(), body_left_));
    hash(std::string_view(in_).substr(0, here));
    in_.erase(0, here);
    body_left_ -= here;
    if (body_left_ > 0) return receive();
    finish_request();
    return progress::made;
}

sample_connection::progress sample_connection::take_chunks() {
    using event = wire::chunked_decoder::event;
    const auto step = decoder_.next(in_);
    if (step.what == event::data) hash(step.data);
    in_.erase(0, step.consumed);
    if (step.what == event::invalid) refuse(400, decoder_.reason());
    if (step.what == event::done) finish_request();
    return step.what == event::need_more ? receive() : progress::made;
}

sample_connection::progress sample_connection::send_events(clock::time_point now) {
    // Nothing more is expected from the peer but its end; what it sends anyway is not kept.
    in_.clear();
    const auto received = receive();
    if (received != progress::blocked) return received;
    if (now < next_tick_) return progress::blocked;
    const auto event = tick_event(++ticks_);
    if (!is_old_http_) wire::append_chunk_header(out_, event.size());
    out_ += event;
    if (!is_old_http_) out_ += "\r\n";
    next_tick_ = now + tick_interval;
    return progress::made;
}

sample_connection::progress sample_connection::discard() {
    in_.clear();
    return receive();
}

void sample_connection::hash(std::string_view bytes) {
    request_.body_bytes += bytes.size();
    EVP_DigestUpdate(digest_.get(), bytes.data(), bytes.size());
}

void sample_connection::finish_request() {
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_DigestFinal_ex(digest_.get(), sum, &size);
    request_.body_sha256 = to_hex({reinterpret_cast<const char*>(sum), size});
    if (asks_for_events(request_)) {
        if (is_old_http_) keep_alive_ = false;
        add_head(200, "text/event-stream", is_old_http_ ? "" : "Transfer-Encoding: chunked\r\n");
        phase_ = phase::events;
        next_tick_ = {};
        return;
    }
    respond(render(request_));
    phase_ = keep_alive_ ? phase::head : phase::closing;
}

void sample_connection::refuse(int status, std::string_view reason) {
    keep_alive_ = false;
    request_ = {};
    respond({status, "text/plain; charset=utf-8", "The request is not valid: " + std::string(reason) + "\n"});
    phase_ = phase::closing;
}

void sample_connection::respond(const sample_page& page) {
    add_head(page.status, page.content_type, "Content-Length: " + std::to_string(page.body.size()) + "\r\n");
    if (request_.method != "HEAD") out_ += page.body;
}

void sample_connection::add_head(int status, std::string_view content_type, std::string_view framing) {
    out_.append("HTTP/1.1 ").append(std::to_string(status)).append(" ").append(wire::reason_phrase(status));
    out_.append("\r\nDate: ")
        .append(wire::to_http_date(std::chrono::floor<std::chrono::seconds>(wall_now())))
        .append("\r\nContent-Type: ")
        .append(content_type)
        .append("\r\n");
    out_.append("Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    // The page brings its style and script along; nothing else may run or load.
    out_.append("Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; ");
    out_.append("connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'\r\n");
    if (status == 405) out_.append("Allow: GET, HEAD\r\n");
    out_.append(framing).append(keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

}  // namespace instatunnel::app
