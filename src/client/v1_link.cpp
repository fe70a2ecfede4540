#include "v1_link.hpp"

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/engine/hello.hpp"
#include "instatunnel/net/tls.hpp"

namespace instatunnel::client {

using engine::code;
using v1::close_code;

namespace {

constexpr std::chrono::milliseconds link_tick{1000};
constexpr std::chrono::seconds link_ping_every{30};
constexpr std::chrono::seconds silent_after{90};
constexpr std::size_t longest_answer = 32 * 1024;

std::string_view answer_field(const wire::response_head& head, std::string_view name) {
    for (const auto& f : head.fields)
        if (iequals(f.name, name)) return trim(f.value);
    return {};
}

}  // namespace

outcome<v1_link*> v1_link::begin(net::event_loop& loop, unique_fd to_server, SSL* ssl, server_name server,
                                 v1_place place, secret key, v1_link_events& events, unique_fd& tunnel_end) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        SSL_free(ssl);
        return failure(errc::busy);
    }
    tunnel_end = unique_fd(ends[0]);
    auto* self = new v1_link(loop, std::move(server), std::move(place), std::move(key), events);
    loop.keep(std::unique_ptr<net::retirable>(self));
    self->inner_ = net::connection::plain(loop, unique_fd(ends[1]), self->tunnel_side_);
    self->server_conn_ = net::connection::start(loop, std::move(to_server), ssl, *self, /*connecting=*/false);
    self->server_conn_->keep_buffers(true);
    self->session_.start();
    return self;
}

v1_link::v1_link(net::event_loop& loop, server_name server, v1_place place, secret key, v1_link_events& events)
    : loop_(loop),
      server_(std::move(server)),
      place_(std::move(place)),
      key_(std::move(key)),
      events_(&events),
      socket_key_(v1::make_socket_key()),
      tunnel_side_(*this),
      tick_(
          loop, [](void* self) { static_cast<v1_link*>(self)->on_tick(); }, this),
      session_(engine::role::edge, tunnel_side_, *this, chunks_),
      budget_(std::make_shared<v1::byte_budget>(max_held)) {}

// --- the tunnel ------------------------------------------------------------------------------------------------------

void v1_link::run_deferred() {
    if (inner_ != nullptr) session_.flush();
}

void v1_link::read_tunnel() {
    while (inner_ != nullptr) {
        const auto space = loop_.scratch();
        const auto got = inner_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status == net::read_status::end) return say_goodbye();
        if (got.status != net::read_status::data) return leave();
        if (!session_.receive({space.data(), got.size}, loop_.now())) return;
        if (inner_ == nullptr || got.drained) return;
        if (got.size == space.size()) return inner_->resume_reading();
    }
}

void v1_link::on_open(engine::stream& s, const wire::itp::open_head&, std::uint8_t) {
    s.reset(code::protocol, {});
    s.release();
}

void v1_link::on_hello(std::string_view json) {
    const auto hello = engine::parse_hello(json);
    if (!hello) return;
    ref_ = hello->tunnels.front().ref;
    hello_seen_ = true;
    welcome_if_ready();
}

void v1_link::welcome_if_ready() {
    if (!hello_seen_ || !ready_ || std::exchange(welcomed_, true)) return;
    engine::welcome w;
    w.session = random_base62(20);
    w.window = wire::itp::initial_window;
    auto& grant = w.tunnels.emplace_back();
    grant.ref = ref_;
    grant.number = tunnel_number;
    grant.name = place_.name;
    grant.url = place_.url;
    grant.guarded = place_.guarded;
    session_.send_welcome(engine::to_json(w));
}

void v1_link::on_goaway(code, std::string_view) {
    stopping_ = true;
}

void v1_link::on_peer_error(code, std::string_view) {
    leave();
}

void v1_link::on_violation(code, std::string_view rule) {
    fail({errc::protocol_error, "The tunnel broke its own protocol: " + std::string(rule)});
}

// The tunnel has stopped: what is on its way to the server still leaves.
void v1_link::say_goodbye() {
    if (gone_ || std::exchange(closing_, true)) return;
    if (socket_ == nullptr) return leave();
    socket_->close(close_code::normal, "the client is stopping");
    if (!socket_->has_output()) leave();
}

// --- the server ------------------------------------------------------------------------------------------------------

void v1_link::on_connected() {
    std::string text = "GET " + place_.path + " HTTP/1.1\r\nHost: " + server_.authority +
                       "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + socket_key_ +
                       "\r\nSec-WebSocket-Version: 13\r\n";
    if (!key_.empty()) text.append("Authorization: Bearer ").append(key_.reveal()).append("\r\n");
    text += "\r\n";
    server_conn_->write(text);
}

void v1_link::on_readable() {
    while (!gone_) {
        const auto space = loop_.scratch();
        const auto got = server_conn_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data) return fail(errc::connection_lost);
        heard_ = loop_.now();
        const std::string_view bytes(space.data(), got.size);
        if (socket_ == nullptr)
            read_upgrade(bytes);
        else
            (void)socket_->receive(bytes);
        if (gone_ || got.drained) return;
        if (got.size == space.size()) return server_conn_->resume_reading();
    }
}

void v1_link::read_upgrade(std::string_view bytes) {
    const auto seen = head_.size();
    head_.append(bytes);
    wire::response_head answer;
    const auto parsed = wire::parse_response_head(head_.data(), head_.size(), seen, "GET", {}, answer);
    if (parsed.status == wire::parse_status::incomplete && head_.size() <= longest_answer) return;
    if (parsed.status != wire::parse_status::done)
        return fail({errc::unexpected_reply, server_.shown + " did not answer the upgrade with HTTP"});
    if (answer.status != 101)
        return fail(failure_of_v1(answer.status, std::string_view(head_).substr(parsed.consumed), server_.shown));
    if (answer_field(answer, "Sec-WebSocket-Accept") != v1::accept_for(socket_key_) ||
        !wire::list_has_token(answer_field(answer, "Upgrade"), "websocket"))
        return fail({errc::unexpected_reply, server_.shown + " answered the upgrade for somebody else"});
    const auto rest = head_.substr(parsed.consumed);
    head_.clear();
    socket_ = std::make_unique<v1::web_socket>(v1::side::client, *this);
    heard_ = pinged_ = loop_.now();
    tick_.arm(link_tick);
    if (!rest.empty()) (void)socket_->receive(rest);
}

void v1_link::on_writable() {
    if (socket_ == nullptr) return;
    socket_->flush();
    if (closing_ && !gone_ && !socket_->has_output()) leave();
}

void v1_link::on_broken(errc why) {
    if (why == errc::tls_failed && server_conn_ != nullptr && !server_conn_->is_connected())
        return fail(
            net::explain_handshake_failure(server_conn_->ssl(), server_.host, server_conn_->handshake_reason()));
    fail(why);
}

void v1_link::write(std::string_view bytes) {
    if (server_conn_ != nullptr) server_conn_->write(bytes);
}

bool v1_link::is_congested() const {
    return server_conn_ == nullptr || server_conn_->is_congested();
}

void v1_link::send(std::unique_ptr<v1::message_source> text) {
    if (gone_ || closing_) return;
    if (socket_->waiting() >= max_waiting)
        return fail({errc::protocol_error, server_.shown + " does not read answers"});
    socket_->send(std::move(text));
}

void v1_link::on_text(std::string_view part) {
    if (gone_) return;
    if (!std::exchange(in_message_, true)) reader_.start(std::min(max_body, budget_->left()));
    if (!reader_.read(part)) fail({errc::protocol_error, server_.shown + " sent a message that is not JSON"});
}

void v1_link::on_text_end() {
    if (gone_) return;
    if (!std::exchange(in_message_, false) || !reader_.finish())
        return fail({errc::protocol_error, server_.shown + " sent a message that is not JSON"});
    const auto kind = reader_.result().kind;
    if (kind == v1::message_kind::ping) return send_pong();
    if (kind == v1::message_kind::connected || kind == v1::message_kind::request) {
        ready_ = true;
        welcome_if_ready();
    }
    if (kind == v1::message_kind::request) take_request();
}

// A server that asks and asks without reading gets one answer.
void v1_link::send_pong() {
    if (!pong_.expired()) return;
    const auto mark = std::make_shared<char>();
    pong_ = mark;
    send(v1::plain_message("pong", mark));
}

void v1_link::take_request() {
    auto& m = reader_.result();
    const auto problem = reader_.problem();
    if (m.id.empty()) return;  // nobody could be answered
    if (requests_.contains(m.id)) return;
    auto held = std::make_shared<v1::held_bytes>(budget_);
    const auto refuse = [&](int status, const std::string& text) {
        v1::message reply;
        reply.id = m.id;
        reply.status = status;
        reply.fields = {{"Content-Type", "text/plain; charset=utf-8"}};
        send(v1::response_message(reply, text + "\n", nullptr));
    };
    if (!problem.empty()) return refuse(400, "The server sent a request that cannot be read: " + std::string(problem));
    m.body.shrink_to_fit();
    if (m.body_too_large || !held->grow(m.body.size()))
        return refuse(413, "The request body is too large for transport v1, which carries it whole: at most " +
                               std::to_string(max_body) + " bytes");
    if (stopping_) return refuse(503, "The tunnel is being closed");
    if (requests_.size() >= 2000) return refuse(503, "The tunnel carries as many requests as it can right now");
    auto id = m.id;
    auto made = std::make_unique<v1_request>(*this, m, std::move(held));
    auto& r = *made;
    requests_.emplace(std::move(id), std::move(made));
    const auto host = std::string_view(place_.url).substr(std::min(place_.url.find("://") + 3, place_.url.size()));
    r.begin(session_, next_request_++, host.substr(0, host.find('/')));
}

void v1_link::forget(v1_request& r) {
    const auto found = requests_.find(r.id());
    if (found == requests_.end()) return;
    loop_.retire(std::move(found->second));  // it may be on the stack
    requests_.erase(found);
}

void v1_link::on_closed(close_code why, std::string_view reason) {
    if (gone_ || closing_) return;
    if (const auto known = v1::itp_code_of(why); known != 0) {
        session_.send_error(static_cast<code>(known), reason);
        session_.flush();
        return leave();
    }
    log::info("v1.closed").with("reason", reason);
    fail({errc::connection_lost, "The server closed the tunnel's connection"});
}

// --- ends ------------------------------------------------------------------------------------------------------------

void v1_link::on_tick() {
    if (gone_) return;
    const auto now = loop_.now();
    (void)session_.check_alive(now);
    // A server that never answered a ping may not know them.
    if (pongs_ && now - heard_ > silent_after) return fail({errc::connection_lost, "The server has fallen silent"});
    if (now - pinged_ >= link_ping_every) {
        pinged_ = now;
        socket_->ping();
    }
    std::vector<v1_request*> endless;
    for (const auto& [id, request] : requests_)
        if (request->is_endless(now)) endless.push_back(request.get());
    // One that is over stays until the turn ends, even if the link goes with it.
    for (auto* request : endless)
        request->give_up();
    if (!gone_) tick_.arm(link_tick);
}

void v1_link::fail(const failure& why) {
    if (gone_) return;
    auto* owner = std::exchange(events_, nullptr);
    leave();
    if (owner != nullptr) owner->on_link_failed(why);
}

void v1_link::abandon() {
    events_ = nullptr;
    if (gone_) return;
    if (socket_ != nullptr && !closing_) socket_->close(close_code::normal, {});
    leave();
}

void v1_link::leave() {
    if (std::exchange(gone_, true)) return;
    if (auto* owner = std::exchange(events_, nullptr)) owner->on_link_gone();
    tick_.cancel();
    session_.lose_all_streams({});
    if (server_conn_ != nullptr) net::connection::close_gently(std::move(server_conn_));
    if (inner_ != nullptr) net::connection::close_gently(std::move(inner_));
    loop_.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::client
