#include "v1_exchange.hpp"

#include <algorithm>
#include <charconv>

#include "error_page.hpp"
#include "instatunnel/base/names.hpp"
#include "v1_bridge.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;

namespace {

constexpr std::size_t write_step = 64 * 1024;
constexpr std::string_view newer_client = "Its owner can install a newer one.";

std::int64_t announced_length(const v1::field_map& fields) {
    const auto text = v1::find_value(fields, "Content-Length");
    std::int64_t length = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    return error == std::errc() && end == text.data() + text.size() && length >= 0 ? length : -1;
}

}  // namespace

v1_exchange::v1_exchange(v1_bridge& owner, engine::stream& s, const wire::itp::open_head& head, std::string id)
    : owner_(owner), stream_(&s), held_(std::make_shared<v1::held_bytes>(owner.budget())) {
    stream_->set_events(*this);
    request_.id = std::move(id);
    request_.method = head.method;
    request_.url = head.path;
    request_.fields = v1::to_map(head.fields);
    request_.fields.emplace_back("Host", head.authority);
    accept_ = v1::find_value(request_.fields, "Accept").substr(0, 256);
    head_request_ = head.method == "HEAD";
}

void v1_exchange::begin(const wire::itp::open_head& head, bool ended) {
    if (!head.protocol.empty())
        return answer(501, "client_too_old", "The tunnel's client is too old for WebSocket and other upgrades",
                      newer_client);
    if (owner_.is_short_of_memory())
        return answer(503, "too_many_bytes", "This server is short of memory", "Try again in a moment.");
    std::size_t text = request_.url.size();
    for (const auto& [name, value] : request_.fields)
        text += name.size() + value.size();
    if (!held_->grow(text))
        return answer(503, "too_many_bytes", "The tunnel holds as many bytes as it may right now",
                      "Try again in a moment.");
    const auto announced = static_cast<std::uint64_t>(std::max<std::int64_t>(head.content_length, 0));
    if (announced > owner_.limits().v1_body)
        return answer(413, "too_large", "The request body is too large for the tunnel's client, which takes it whole",
                      newer_client);
    if (ended) send();
}

void v1_exchange::on_data(engine::stream& s, std::string_view bytes) {
    s.consumed(bytes.size());
    if (answered_ || sent_) return;
    if (body_.size() + bytes.size() > owner_.limits().v1_body)
        return answer(413, "too_large", "The request body is too large for the tunnel's client, which takes it whole",
                      newer_client);
    if (!held_->append(body_, bytes))
        return answer(503, "too_many_bytes", "The tunnel holds as many bytes as it may right now",
                      "Try again in a moment.");
}

void v1_exchange::on_end(engine::stream&) {
    if (!answered_ && !sent_) send();
}

void v1_exchange::send() {
    sent_ = true;
    held_->trim(body_);
    stream_->accept();
    owner_.send(v1::request_message(request_, std::exchange(body_, {}), std::exchange(held_, nullptr)));
}

void v1_exchange::on_reset(engine::stream&, code, std::string_view) {
    over();
}

void v1_exchange::reply(v1::message& m, std::shared_ptr<v1::held_bytes> held) {
    wire::itp::reply_head head;
    head.status = static_cast<std::uint16_t>(m.status);
    if (!v1::from_map(m.fields, head.fields)) return refuse_reply("a header that is not valid HTTP");
    const bool bodiless = head_request_ || m.status == 204 || m.status == 304;
    if (bodiless) m.body.clear();
    head.content_length = bodiless ? announced_length(m.fields) : static_cast<std::int64_t>(m.body.size());
    if (m.status == 204) head.content_length = -1;
    answered_ = true;
    body_ = std::move(m.body);
    held_ = std::move(held);
    stream_->send_reply(head, body_.empty() ? flag::end : std::uint8_t{0});
    if (stream_ == nullptr) return;
    if (body_.empty()) return over();
    write_body();
}

void v1_exchange::refuse_reply(std::string_view why) {
    answer(502, "origin_bad_response",
           "The tunnel's client sent an answer that cannot be passed on: " + std::string(why), newer_client);
}

void v1_exchange::answer(int status, std::string_view code_name, std::string_view message, std::string_view hint) {
    answered_ = true;
    auto page = render({status, code_name, message, hint, {}}, accept_);
    wire::itp::reply_head head;
    head.status = static_cast<std::uint16_t>(status);
    head.content_length = static_cast<std::int64_t>(page.body.size());
    head.fields = {
        {"Content-Type", page.content_type}, {"X-Instatunnel-Error", code_name}, {"Cache-Control", "no-store"}};
    body_ = head_request_ ? std::string() : std::move(page.body);
    stream_->send_reply(head, body_.empty() ? flag::end : std::uint8_t{0});
    if (body_.empty()) return over();
    write_body();
}

void v1_exchange::write_body() {
    if (!answered_ || stream_ == nullptr) return;
    while (written_ < body_.size() && !stream_->is_congested()) {
        const auto part = std::string_view(body_).substr(written_, write_step);
        written_ += part.size();
        stream_->write(part);
    }
    if (written_ < body_.size()) return;
    stream_->finish();
    over();
}

void v1_exchange::over() {
    if (stream_ == nullptr) return;
    std::exchange(stream_, nullptr)->release();
    owner_.forget(*this);
}

}  // namespace instatunnel::edge
