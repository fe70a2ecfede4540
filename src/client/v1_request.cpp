#include "v1_request.hpp"

#include <algorithm>
#include <utility>

#include "instatunnel/base/names.hpp"
#include "v1_link.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

constexpr std::size_t write_step = 64 * 1024;
constexpr std::chrono::seconds longest_events{30};  // as long as published clients wait for any reply

}  // namespace

v1_request::v1_request(v1_link& owner, v1::message& asked, std::shared_ptr<v1::held_bytes> held)
    : owner_(owner), asked_(std::move(asked)), held_(std::move(held)) {
    reply_.id = asked_.id;
}

void v1_request::begin(engine::session& session, std::uint64_t request_id, std::string_view default_host) {
    if (wire::list_has_token(v1::find_value(asked_.fields, "Upgrade"), "websocket"))
        return answer(501, "Transport v1 carries no WebSocket connections: a server that speaks v2 does");
    wire::itp::open_head open;
    open.tunnel = v1_link::tunnel_number;
    open.request_id = request_id;
    open.method = asked_.method;
    open.path = asked_.url;
    open.authority = v1::find_value(asked_.fields, "Host");
    if (open.authority.empty()) open.authority = default_host;
    open.content_length = static_cast<std::int64_t>(asked_.body.size());
    const bool usable = v1::from_map(asked_.fields, open.fields) && wire::is_token(open.method) &&
                        open.method.size() <= 255 && wire::is_request_path(open.path) &&
                        wire::is_authority(open.authority);
    if (!usable) return answer(400, "The server sent a request that is not valid HTTP");
    if (v1::find_value(asked_.fields, "X-Forwarded-Proto") == "http") open.https = false;
    std::erase_if(open.fields,
                  [](const wire::field& f) { return iequals(f.name, "Host") || iequals(f.name, "Expect"); });
    if (asked_.body.empty() && (open.method == "GET" || open.method == "HEAD")) open.content_length = -1;
    stream_ = session.open(open, asked_.body.empty() ? flag::end : std::uint8_t{0}, *this);
    if (stream_ == nullptr)
        return session.can_open() ? answer(431, "The request's fields are too large")
                                  : answer(503, "The tunnel carries as many requests as it can right now");
    write_body();
}

void v1_request::write_body() {
    if (stream_ == nullptr || asked_.body.empty() || stream_->send_finished()) return;
    while (written_ < asked_.body.size() && !stream_->is_congested() && !stopped_) {
        const auto part = std::string_view(asked_.body).substr(written_, write_step);
        written_ += part.size();
        stream_->write(part);
    }
    if (written_ < asked_.body.size() && !stopped_) return;
    stream_->finish();
}

void v1_request::on_head(engine::stream&, const wire::itp::reply_head& head, std::uint8_t flags) {
    if ((flags & (flag::interim | flag::upgraded)) != 0) return;
    reply_.status = head.status;
    reply_.fields = v1::to_map(head.fields);
    if (v1::find_value(reply_.fields, "Content-Type").starts_with("text/event-stream")) events_since_ = owner_.now();
    if (asked_.method == "HEAD" && head.content_length >= 0)
        reply_.fields.emplace_back("Content-Length", std::to_string(head.content_length));
}

bool v1_request::is_endless(std::chrono::steady_clock::time_point now) const noexcept {
    return stream_ != nullptr && events_since_ && now - *events_since_ > longest_events;
}

void v1_request::give_up() {
    if (stream_ != nullptr)
        answer(502,
               "The local server sends a stream that does not end, and transport v1 carries whole replies only: "
               "a server that speaks v2 carries streams");
}

void v1_request::on_data(engine::stream& s, std::string_view bytes) {
    s.consumed(bytes.size());
    if (body_.size() + bytes.size() > v1_link::max_body || !held_->append(body_, bytes))
        return answer(502, "The local server's answer is too large for transport v1, which carries it whole: at most " +
                               std::to_string(v1_link::max_body) + " bytes");
}

void v1_request::on_end(engine::stream&) {
    if (reply_.status == 0) return answer(502, "The local server closed the connection without an answer");
    held_->trim(body_);
    owner_.send(v1::response_message(reply_, std::move(body_), std::move(held_)));
    over();
}

void v1_request::on_reset(engine::stream&, code why, std::string_view text) {
    if (why == code::session_lost) return over();
    if (why == code::origin_unreachable)
        return answer(502, "Failed to reach local server" + (text.empty() ? std::string() : " " + std::string(text)));
    if (why == code::origin_timeout) return answer(504, "The local server did not answer in time");
    if (why == code::refused) return answer(503, "The tunnel is being closed");
    answer(502, "The local server did not answer with valid HTTP");
}

void v1_request::answer(int status, const std::string& text) {
    reply_.status = status;
    reply_.fields = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}};
    owner_.send(v1::response_message(reply_, asked_.method == "HEAD" ? std::string() : text + "\n", std::move(held_)));
    over();
}

void v1_request::over() {
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->release();
    owner_.forget(*this);
}

}  // namespace instatunnel::client
