#include "replay_link.hpp"

#include <utility>

namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;

replay_link::replay_link(net::event_loop& loop, engine::chunk_pool& chunks, origin& to, recording& record,
                         std::uint64_t number, replay_request what, replay_link_events& events)
    : loop_(loop),
      origin_(to),
      record_(record),
      number_(number),
      what_(std::move(what)),
      events_(&events),
      edge_(engine::role::edge, edge_end_, *this, chunks),
      client_(engine::role::client, client_end_, *this, chunks) {}

replay_link::~replay_link() {
    abandon({});
}

void replay_link::start() {
    edge_.start();
    client_.start();
    const bool is_bodiless = what_.body.empty() && what_.trailers.empty();
    stream_ = edge_.open(what_.head(), is_bodiless ? flag::end : std::uint8_t{0}, *this);
    if (stream_ == nullptr) {
        record_.give_up(number_, "head_too_large", {});
        return over();
    }
    if (is_bodiless) return;
    stream_->write(what_.body);
    std::vector<wire::field> trailers;
    for (const auto& f : what_.trailers)
        trailers.push_back({f.name, f.value});
    if (trailers.empty())
        stream_->finish();
    else
        stream_->send_trailers(trailers);
}

void replay_link::abandon(std::string_view why) {
    events_ = nullptr;
    record_.give_up(number_, "cancelled", why);
    if (stream_ != nullptr) std::exchange(stream_, nullptr)->release();
    // Those who answer let go of their streams in this call, and have nobody to answer to afterwards.
    client_.lose_all_streams(why);
    edge_.lose_all_streams(why);
}

void replay_link::run_deferred() {
    if (events_ == nullptr) return;
    const bool there = carry(edge_, edge_end_, client_);
    const bool back = carry(client_, client_end_, edge_);
    // Not in a loop of its own: an origin that always has more (a large file) would hold all the others.
    if (there || back) loop_.defer(*this);
}

bool replay_link::carry(engine::session& from, end& held, engine::session& to) {
    from.flush();
    if (held.bytes.empty()) return false;
    const auto bytes = std::exchange(held.bytes, {});
    to.receive(bytes, loop_.now());
    return true;
}

void replay_link::over() {
    if (auto* const owner = std::exchange(events_, nullptr)) owner->on_replayed(*this);
}

void replay_link::on_open(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    s.set_tap(record_.tap_announced(number_));
    origin_.serve(s, open, flags);
}

void replay_link::on_end(engine::stream&) {
    if (stream_ == nullptr || !stream_->send_finished()) return;
    over();
}

void replay_link::on_reset(engine::stream& s, code, std::string_view) {
    if (stream_ != nullptr) {
        stream_ = nullptr;
        s.release();
    }
    over();
}

}  // namespace instatunnel::client
