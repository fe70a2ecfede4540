#include "lane.hpp"

#include <utility>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/engine/hello.hpp"

namespace instatunnel::edge {

using engine::code;

namespace {

constexpr std::chrono::milliseconds tick_length{1000};
constexpr std::string_view superseded_text = "Another process of the same account took the tunnel over";
// A queue on the lane delays every stream: hold little of it, refill often.
constexpr std::size_t lane_low_water = 64 * 1024;

}  // namespace

code code_for(errc why) {
    switch (why) {
        case errc::malformed_key:
        case errc::no_key:
        case errc::invalid_key:
            return code::unauthenticated;
        case errc::expired_key:
            return code::key_expired;
        case errc::revoked_key:
            return code::key_revoked;
        case errc::forbidden:
        case errc::account_disabled:
        case errc::email_not_verified:
            return code::forbidden;
        case errc::plan_limit:
            return code::plan_limit;
        case errc::name_taken:
            return code::name_taken;
        case errc::name_reserved:
            return code::name_reserved;
        case errc::malformed_name:
            return code::malformed_name;
        case errc::not_found:
            return code::not_found;
        case errc::rate_limited:
        case errc::busy:
            return code::rate_limited;
        case errc::superseded:
            return code::superseded;
        case errc::tunnel_closed:
            return code::tunnel_closed;
        default:
            return code::internal;
    }
}

std::string words_for(const failure& why) {
    if (code_for(why.code) == code::internal) return std::string(message(errc::busy));
    std::string words(why.what());
    if (!why.next.empty()) words.append("\n").append(why.next);
    return words;
}

lane::lane(worker& w, net::peer_name peer)
    : w_(w),
      peer_(std::move(peer)),
      tick_(
          w.loop, [](void* self) { static_cast<lane*>(self)->on_tick(); }, this),
      session_(engine::role::edge, *this, *this, w.chunks, w.limits.session) {
    w_.lanes.insert(this);
    ++w_.lanes_without_hello;
}

lane::~lane() {
    if (ticket_ != nullptr) *ticket_ = nullptr;
    if (counted_) --w_.lanes_without_hello;
    w_.lanes.erase(this);
}

void lane::adopt(std::unique_ptr<net::connection> connection) {
    conn_ = std::move(connection);
    conn_->set_events(*this);
    conn_->keep_buffers(true);
    conn_->set_water(engine::session::lane_high_water, lane_low_water);
    session_.start();
    tick_.arm(w_.limits.hello);
}

void lane::on_readable() {
    while (!closing_) {
        const auto space = w_.loop.scratch();
        const auto got = conn_->read(space.data(), space.size());
        if (got.status == net::read_status::would_block) return;
        if (got.status != net::read_status::data) return lost("closed by the client");
        if (!session_.receive({space.data(), got.size}, w_.loop.now())) return;
        if (closing_ || got.drained) return;
        if (got.size == space.size()) return conn_->resume_reading();
    }
}

void lane::on_writable() {
    session_.flush();
}

void lane::run_deferred() {
    if (conn_ != nullptr) session_.flush();
}

void lane::on_broken(errc why) {
    lost(message(why));
}

void lane::on_open(engine::stream& s, const wire::itp::open_head&, std::uint8_t) {
    s.reset(code::protocol, {});
    s.release();
}

// --- handshake -------------------------------------------------------------------------------------------------------

void lane::on_hello(std::string_view json) {
    if (std::exchange(hello_seen_, true)) return end(code::protocol, "a second HELLO");
    auto parsed = engine::parse_hello(json);
    if (!parsed) return end(code::protocol, "malformed HELLO");
    if (w_.draining) return end(code::draining, "the edge is shutting down");
    auto& wish = parsed->tunnels.front();
    const auto kind = wire::itp::parse_kind(wish.proto);
    if (!kind) return end(code::forbidden, "This edge serves http, tcp and tls tunnels");
    kind_ = *kind;
    const bool wants_password = !wish.password.empty() || !wish.basic.empty();
    if (wants_password && kind_ != wire::itp::stream_kind::http)
        return end(code::forbidden, "Only visitors of http tunnels can be asked for a password");
    target_ = wish.target;
    access_ = {std::move(wish.password), std::move(wish.basic), std::move(wish.seed)};
    instance_ = parsed->instance;
    resumed_ = parsed->resumed;

    service::tunnel_claim claim;
    claim.key = std::move(parsed->key);
    claim.name = wish.name;
    claim.existing_host = wish.host;
    claim.target = wish.target;
    claim.instance = parsed->instance;
    claim.mcp = wish.mcp;
    claim.proto = wish.proto;
    claim.port = wish.port;
    claim.remote_address = peer_.address;
    ticket_ = std::make_shared<lane*>(this);
    auto& loop = w_.loop;
    // The verdict comes from a thread of the service and may come after the lane has gone.
    w_.accounts.admit(
        std::move(claim), [&loop, ticket = ticket_, ref = wish.ref](outcome<service::granted_tunnel> granted) {
            loop.post([ticket, ref, verdict = std::make_shared<outcome<service::granted_tunnel>>(std::move(granted))] {
                if (*ticket != nullptr) (*ticket)->admitted(std::move(*verdict), ref);
            });
        });
}

void lane::admitted(outcome<service::granted_tunnel> granted, std::string ref) {
    ticket_.reset();
    if (closing_) return;
    if (!granted) {
        const auto& why = granted.error();
        log::info("tunnel.refused").with("from", peer_.address).with("reason", code_name(why.code));
        return end(code_for(why.code), words_for(why));
    }
    if (is_replaced(*granted)) return end(code::superseded, superseded_text);
    if (auto taken = take_route(std::move(*granted)); !taken) {
        log::warn("tunnel.port_unusable").with("from", peer_.address).with("reason", taken.error().what());
        return end(code::rate_limited,
                   "The tunnel's public port is in use by another program of the edge's machine\n"
                   "Ask for another one: --remote-port PORT");
    }
    engine::welcome w;
    w.session = random_base62(20);
    w.window = wire::itp::initial_window;
    auto& grant = w.tunnels.emplace_back();
    grant.ref = std::move(ref);
    grant.number = route_->number;
    grant.id = route_->tunnel.tunnel_id;
    grant.name = route_->tunnel.name;
    grant.url = route_->tunnel.url;
    grant.proto = wire::itp::kind_name(route_->kind);
    grant.port = route_->tunnel.port;
    grant.guarded = route_->guard != nullptr;
    session_.send_welcome(engine::to_json(w));
    --w_.lanes_without_hello;
    counted_ = false;
    tick_.arm(tick_length);
    log::info("tunnel.online")
        .with("tunnel", route_->tunnel.tunnel_id)
        .with("host", route_->tunnel.host)
        .with("from", peer_.address);
}

// Somebody who comes back finds that another process has taken the tunnel meanwhile: the newer one keeps it, or two
// machines would take it from each other for ever.
bool lane::is_replaced(const service::granted_tunnel& granted) const {
    const auto existing = w_.routes.find(granted.host);
    return resumed_ && existing != nullptr && existing->tunnel.tunnel_id == granted.tunnel_id &&
           existing->instance != instance_;
}

outcome<void> lane::take_route(service::granted_tunnel granted) {
    auto existing = w_.routes.find(granted.host);
    if (existing != nullptr && existing->via != nullptr) {
        lane* old = existing->via;
        // The same process comes back on a new connection before the old one was seen dead; another one takes over.
        if (existing->instance == instance_)
            old->end(code::superseded, "the same client has reconnected");
        else
            old->end(code::superseded, superseded_text);
    }
    if (existing == nullptr || existing->tunnel.tunnel_id != granted.tunnel_id || existing->kind != kind_ ||
        existing->tunnel.port != granted.port) {
        existing = std::make_shared<route>();
        existing->kind = kind_;
        existing->number = w_.next_route_number++;
    }
    existing->key_id = granted.key_id;
    existing->tunnel = std::move(granted);
    // What was asked for when the tunnel was created holds unless its client asks for something itself.
    if (const auto& kept = existing->tunnel.access; kept != nullptr && !access_.any())
        access_ = {kept->password.clone(), kept->basic.clone(), kept->seed.clone()};
    existing->tunnel.access.reset();
    existing->guard = access_.any() ? std::make_shared<const gate>(access_, existing->tunnel.host) : nullptr;
    access_ = {};
    existing->via = this;
    existing->instance = instance_;
    existing->target = target_;
    existing->logged = std::make_shared<const service::logged_tunnel>(
        service::logged_tunnel{existing->tunnel.account_id, existing->tunnel.tunnel_id, existing->tunnel.name});
    existing->connected_at_us = wall_now().time_since_epoch().count();
    w_.routes.insert(existing);
    // A tunnel that was of another kind before gives its port back.
    w_.ports.close_unused(w_.routes);
    if (kind_ == wire::itp::stream_kind::tcp) {
        if (auto opened = w_.ports.open(w_, existing); !opened) {
            existing->via = nullptr;
            w_.routes.remove(*existing);
            return opened.error();
        }
    }
    route_ = std::move(existing);
    return {};
}

// --- life ------------------------------------------------------------------------------------------------------------

void lane::on_tick() {
    if (closing_) return;
    if (counted_) {
        // Still without a HELLO, or its verdict is late: the latter has limits of its own.
        if (!hello_seen_) return end(code::idle_timeout, "no HELLO in time");
        tick_.arm(tick_length);
        return;
    }
    if (!session_.check_alive(w_.loop.now())) return lost("the client is silent");
    report_usage();
    tick_.arm(tick_length);
}

void lane::report_usage() {
    if (route_ == nullptr) return;
    auto& r = *route_;
    const auto requests = r.requests - r.reported_requests;
    const auto in = r.bytes_in - r.reported_in;
    const auto out = r.bytes_out - r.reported_out;
    if (requests == 0 && in == 0 && out == 0) return;
    r.reported_requests = r.requests;
    r.reported_in = r.bytes_in;
    r.reported_out = r.bytes_out;
    w_.accounts.record_usage(r.tunnel.tunnel_id, requests, in, out);
}

void lane::end(code why, std::string_view text) {
    if (closing_) return;
    for_good_ = why != code::draining && why != code::superseded;
    session_.send_error(why, text);
    session_.flush();
    lost(text.substr(0, text.find('\n')));
}

void lane::drain() {
    if (!closing_) session_.send_goaway(code::draining, "the edge is shutting down");
}

void lane::on_peer_error(code why, std::string_view) {
    lost(wire::itp::code_name(why));
}

void lane::on_goaway(code why, std::string_view) {
    // No new requests for it; what is under way goes on.
    for_good_ = why == code::ok;
    take_off_line();
}

void lane::take_off_line() {
    if (route_ == nullptr || route_->via != this) return;
    route_->via = nullptr;
    route_->away_since = w_.loop.now();
    if (!for_good_) return;
    w_.routes.remove(*route_);
    w_.ports.close_unused(w_.routes);
}

void lane::on_violation(code why, std::string_view rule) {
    log::warn("tunnel.violation")
        .with("from", peer_.address)
        .with("code", wire::itp::code_name(why))
        .with("rule", rule);
    session_.flush();
    lost(rule);
}

void lane::lost(std::string_view why) {
    if (std::exchange(closing_, true)) return;
    report_usage();
    if (route_ != nullptr) {
        log::info("tunnel.offline")
            .with("tunnel", route_->tunnel.tunnel_id)
            .with("host", route_->tunnel.host)
            .with("reason", why);
        take_off_line();
    }
    session_.lose_all_streams(why);
    net::connection::close_gently(std::move(conn_));
    leave();
}

void lane::leave() {
    tick_.cancel();
    if (ticket_ != nullptr) *ticket_ = nullptr;
    w_.loop.retire(std::unique_ptr<net::retirable>(this));
}

}  // namespace instatunnel::edge
