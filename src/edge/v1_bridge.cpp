#include "v1_bridge.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "error_page.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/engine/hello.hpp"
#include "lane.hpp"

namespace instatunnel::edge {

namespace flag = wire::itp::flag;
using engine::code;
using v1::close_code;

namespace {

constexpr std::chrono::milliseconds longest_tick{1000};
constexpr std::chrono::milliseconds ping_every{30'000};

std::string_view field_of(const wire::request_head& head, std::string_view name) {
    for (const auto& f : head.fields)
        if (iequals(f.name, name)) return trim(f.value);
    return {};
}

std::string_view bearer_of(const wire::request_head& head) {
    constexpr std::string_view scheme = "Bearer ";
    const auto value = field_of(head, "Authorization");
    if (value.size() > scheme.size() && iequals(value.substr(0, scheme.size()), scheme))
        return trim(value.substr(scheme.size()));
    return field_of(head, "X-API-Key");
}

struct http_words {
    int status;
    std::string_view error;
};

http_words words_for_code(code why) {
    switch (why) {
        case code::unauthenticated:
        case code::key_expired:
        case code::key_revoked:
            return {401, "unauthorized"};
        case code::forbidden:
        case code::plan_limit:
            return {403, "forbidden"};
        case code::not_found:
        case code::malformed_name:
            return {404, "not_found"};
        case code::name_taken:
        case code::name_reserved:
            return {409, "conflict"};
        case code::rate_limited:
            return {429, "rate_limited"};
        default:
            return {503, "unavailable"};
    }
}

close_code close_code_for(code why) {
    switch (why) {
        case code::draining:
        case code::session_lost:
            return close_code::going_away;
        case code::internal:
            return close_code::internal;
        default:
            return v1::close_code_of(static_cast<std::uint16_t>(why));
    }
}

}  // namespace

std::string v1_tunnel_of(std::string_view path) {
    path = path.substr(0, path.find('?'));
    if (path.starts_with("/v1/")) path.remove_prefix(3);
    constexpr std::string_view before = "/tunnels/", after = "/connect";
    if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) return {};
    auto middle = path.substr(before.size(), path.size() - before.size() - after.size());
    const bool is_name = middle.starts_with("subdomain/") || middle.starts_with("domain/");
    if (is_name) middle.remove_prefix(middle.find('/') + 1);
    if (middle.empty() || middle.size() > 255 || middle.find('/') != std::string_view::npos) return {};
    const bool is_number = std::ranges::all_of(middle, [](char c) { return c >= '0' && c <= '9'; });
    return (!is_name && is_number ? "#" : "") + std::string(middle);
}

std::optional<v1_wish> read_v1_wish(const wire::request_head& head, std::string tunnel) {
    const auto key = field_of(head, "Sec-WebSocket-Key");
    if (head.method != "GET" || !wire::list_has_token(head.upgrade, "websocket") || !v1::is_socket_key(key) ||
        field_of(head, "Sec-WebSocket-Version") != "13")
        return std::nullopt;
    return v1_wish{std::move(tunnel), secret(std::string(bearer_of(head))), std::string(key)};
}

void v1_bridge::begin(worker& w, net::peer_name peer, std::unique_ptr<net::connection> client, v1_wish wish,
                      std::string_view early) {
    auto* self = new v1_bridge(w, std::move(client), std::move(wish));
    w.loop.keep(std::unique_ptr<net::retirable>(self));
    if (!self->keep_early(early)) return;
    if (!self->open_lane(std::move(peer))) self->refuse(code::internal, "This server is short of descriptors");
}

v1_bridge::v1_bridge(worker& w, std::unique_ptr<net::connection> client, v1_wish wish)
    : w_(w),
      client_(std::move(client)),
      lane_end_(*this),
      wish_(std::move(wish)),
      tick_(
          w.loop, [](void* self) { static_cast<v1_bridge*>(self)->on_tick(); }, this),
      session_(engine::role::client, lane_end_, *this, w.chunks, w.limits.session),
      budget_(std::make_shared<v1::byte_budget>(w.limits.v1_bytes)) {
    client_->set_events(*this);
    heard_ = pinged_ = w.loop.now();
}

v1_bridge::~v1_bridge() = default;

bool v1_bridge::open_lane(net::peer_name peer) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return false;
    unique_fd ours(ends[0]);
    unique_fd theirs(ends[1]);
    inner_ = net::connection::plain(w_.loop, std::move(ours), lane_end_);
    inner_->set_water(engine::session::lane_high_water, engine::session::lane_high_water / 2);
    auto* l = new lane(w_, std::move(peer));
    w_.loop.keep(std::unique_ptr<net::retirable>(l));
    l->adopt(net::connection::plain(w_.loop, std::move(theirs), *l));
    session_.start();
    engine::hello h;
    h.client_version = "v1";
    h.key = std::move(wish_.key);
    h.instance = random_base62(20);
    h.tunnels.emplace_back().host = wish_.tunnel;
    session_.send_hello(engine::to_json(h));
    client_->resume_reading();
    return true;
}

// --- the lane --------------------------------------------------------------------------------------------------------

void v1_bridge::run_deferred() {
    if (inner_ != nullptr) session_.flush();
}

void v1_bridge::read_lane() {
    while (inner_ != nullptr) {
        const auto space = w_.loop.scratch();
        const auto got = inner_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data) return lane_gone();
        if (!session_.receive({space.data(), got.size}, w_.loop.now())) return;
        if (inner_ == nullptr || got.drained) return;
        if (got.size == space.size()) return inner_->resume_reading();
    }
}

void v1_bridge::lane_gone() {
    on_peer_error(code::session_lost, "the tunnel was closed");
}

void v1_bridge::on_welcome(std::string_view json) {
    if (gone_ || socket_ != nullptr) return;
    const auto granted = engine::parse_welcome(json);
    client_->write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: " +
        v1::accept_for(wish_.socket_key) + "\r\n\r\n");
    client_->keep_buffers(true);
    socket_ = std::make_unique<v1::web_socket>(v1::side::server, *this);
    socket_->send(v1::connected_message(granted ? granted->tunnels.front().url : std::string()));
    heard_ = pinged_ = w_.loop.now();
    on_tick();
    const auto early = std::exchange(early_, {});
    if (!gone_ && !early.empty()) (void)socket_->receive(early);
}

void v1_bridge::on_open(engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) {
    auto id = random_base62(16);
    auto made = std::make_unique<v1_exchange>(*this, s, head, id);
    auto& e = *made;
    exchanges_.insert_or_assign(std::move(id), std::move(made));
    e.begin(head, (flags & flag::end) != 0);
}

void v1_bridge::on_peer_error(code why, std::string_view text) {
    if (gone_) return;
    if (socket_ == nullptr) return refuse(why, text);
    end(close_code_for(why), text.substr(0, text.find('\n')));
}

void v1_bridge::on_goaway(code, std::string_view) {
    draining_ = true;  // v1 has no word for it: the connection ends once no request is under way
}

void v1_bridge::on_violation(code, std::string_view rule) {
    log::error("v1.violation").with("rule", rule);
    on_peer_error(code::internal, "the server failed");
}

// --- the client ------------------------------------------------------------------------------------------------------

// False: it is refused.
bool v1_bridge::keep_early(std::string_view bytes) {
    if (early_.size() + bytes.size() > max_early) {
        refuse(code::protocol, "Too much was sent before the upgrade was answered");
        return false;
    }
    early_.append(bytes);
    return true;
}

void v1_bridge::on_readable() {
    while (!gone_) {
        const auto space = w_.loop.scratch();
        const auto got = client_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data) return end(close_code::none, {});
        heard_ = w_.loop.now();
        const std::string_view bytes(space.data(), got.size);
        if (!(socket_ == nullptr ? keep_early(bytes) : socket_->receive(bytes))) return;
        if (gone_ || got.drained) return;
        if (got.size == space.size()) return client_->resume_reading();
    }
}

void v1_bridge::on_writable() {
    if (socket_ != nullptr) socket_->flush();
}

void v1_bridge::on_broken(errc) {
    end(close_code::none, {});
}

void v1_bridge::write(std::string_view bytes) {
    if (client_ != nullptr) client_->write(bytes);
}

bool v1_bridge::is_congested() const {
    return client_ == nullptr || client_->is_congested();
}

void v1_bridge::send(std::unique_ptr<v1::message_source> text) {
    if (!gone_) socket_->send(std::move(text));
}

void v1_bridge::on_text(std::string_view part) {
    if (gone_) return;
    if (!std::exchange(in_message_, true)) reader_.start(std::min(w_.limits.v1_body, budget_->left()));
    if (!reader_.read(part)) end(close_code::invalid, "a message that is not JSON");
}

void v1_bridge::on_text_end() {
    if (gone_) return;
    // An empty message has no part.
    if (!std::exchange(in_message_, false) || !reader_.finish())
        return end(close_code::invalid, "a message that is not a JSON object");
    take_message();
    std::string().swap(reader_.result().body);  // of a message that nobody took
}

// A client that asks and asks without reading gets one answer.
void v1_bridge::send_pong() {
    if (!pong_.expired()) return;
    const auto mark = std::make_shared<char>();
    pong_ = mark;
    send(v1::plain_message("pong", mark));
}

void v1_bridge::take_message() {
    auto& m = reader_.result();
    if (m.kind == v1::message_kind::ping) return send_pong();
    if (m.kind != v1::message_kind::response) return;
    if (m.id.empty()) return end(close_code::invalid, "a response without an id");
    const auto found = exchanges_.find(m.id);
    // Its visitor may have gone meanwhile.
    if (found == exchanges_.end() || found->second->is_answered()) return;
    auto& e = *found->second;
    if (const auto problem = reader_.problem(); !problem.empty()) return e.refuse_reply(problem);
    auto held = std::make_shared<v1::held_bytes>(budget_);
    m.body.shrink_to_fit();
    if (m.body_too_large || !held->grow(m.body.size()))
        return e.refuse_reply("its body is longer than the " + std::to_string(w_.limits.v1_body) +
                              " bytes that fit into one message");
    e.reply(m, std::move(held));
}

void v1_bridge::on_closed(close_code why, std::string_view reason) {
    if (gone_) return;
    log::debug("v1.closed").with("code", static_cast<int>(why)).with("reason", reason);
    if (why == close_code::normal) session_.send_goaway(code::ok, "the client is stopping");
    end(close_code::none, {});
}

void v1_bridge::forget(v1_exchange& e) {
    const auto found = exchanges_.find(e.id());
    if (found == exchanges_.end()) return;
    w_.loop.retire(std::move(found->second));  // it may be on the stack
    exchanges_.erase(found);
}

// --- ends ------------------------------------------------------------------------------------------------------------

void v1_bridge::on_tick() {
    if (gone_) return;
    const auto now = w_.loop.now();
    if (now - heard_ > w_.limits.v1_silence) return end(close_code::policy, "nothing was heard for too long");
    if (draining_ && exchanges_.empty()) return end(close_code::going_away, "the server is restarting");
    (void)session_.check_alive(now);
    if (now - pinged_ >= std::min(ping_every, w_.limits.v1_silence / 3)) {
        pinged_ = now;
        // What waits already will show as well whether somebody is there.
        if (!socket_->has_output()) {
            socket_->ping();
            socket_->send(v1::plain_message("ping"));
        }
    }
    tick_.arm(std::min(longest_tick, w_.limits.v1_silence / 3));
}

void v1_bridge::refuse(code why, std::string_view text) {
    if (gone_) return;
    const auto words = words_for_code(why);
    const auto line = text.find('\n');
    const auto next = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
    const auto page = render({words.status, words.error, text.substr(0, line), next, {}}, "application/json");
    std::string head = "HTTP/1.1 " + std::to_string(words.status) + " ";
    head.append(wire::reason_phrase(words.status)).append("\r\nContent-Type: ").append(page.content_type);
    head.append("\r\nContent-Length: ").append(std::to_string(page.body.size()));
    head.append("\r\nX-Instatunnel-Error: ").append(words.error);
    if (words.status == 401) head.append("\r\nWWW-Authenticate: Bearer");
    if (words.status == 429 || words.status == 503) head.append("\r\nRetry-After: 2");
    head.append("\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n").append(page.body);
    client_->write(head);
    leave();
}

void v1_bridge::end(close_code why, std::string_view reason) {
    if (gone_) return;
    if (socket_ != nullptr && why != close_code::none) socket_->close(why, reason);
    leave();
}

void v1_bridge::leave() {
    if (std::exchange(gone_, true)) return;
    tick_.cancel();
    if (inner_ != nullptr) session_.flush();
    session_.lose_all_streams({});
    net::connection::close_gently(std::move(client_));
    if (inner_ != nullptr) net::connection::close_gently(std::move(inner_));
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
