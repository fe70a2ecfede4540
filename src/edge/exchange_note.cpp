// What an exchange leaves for the tunnel's owner: a line in the log of requests, and how long the app took.

#include <algorithm>
#include <utility>
#include <vector>

#include "exchange.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/wire/http_date.hpp"

namespace instatunnel::edge {

void exchange::begin_note(const wire::request_head& head) noexcept {
    noted_ = true;
    began_ = w_.loop.now();
    note_.of = route_->logged;
    using std::chrono::microseconds;
    const auto on_the_loop = std::chrono::duration_cast<microseconds>(began_.time_since_epoch());
    note_.began_us = (on_the_loop + w_.wall_ahead).count();
    note_.bytes_out = 0;
    note_.status = 0;
    note_.is_whole = false;
    note_.name(head.method, head.path);
}

void exchange::note_reply(int status) noexcept {
    if (!noted_) return;
    note_.status = static_cast<std::uint16_t>(status);
    route_->latency.add(std::chrono::duration_cast<std::chrono::microseconds>(w_.loop.now() - began_));
}

void exchange::note_upgrade() noexcept {
    note_reply(101);
    note_.is_whole = true;  // however it ends: it is not for us to say what is missing
}

void exchange::end_note() noexcept {
    if (!std::exchange(noted_, false)) return;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(w_.loop.now() - began_);
    note_.took_us = static_cast<std::uint64_t>(took.count());
    note_.bytes_in = body_size_;
    note_.is_whole = note_.is_whole || reply_done_;
    w_.requests.add(note_);
    note_.of.reset();
}

void exchange::give(const edge_answer& a) {
    note_.status = static_cast<std::uint16_t>(a.status);
    if (!head_request_) note_.bytes_out += a.body.size();
    const auto is_date = [](const wire::field& f) { return iequals(f.name, "date"); };
    if (std::ranges::any_of(a.extra_fields, is_date)) return answer(a);
    // Whoever answers for itself says when (RFC 9110 §6.6.1); the service has done so.
    const auto date = wire::to_http_date(std::chrono::floor<std::chrono::seconds>(wall_now()));
    std::vector<wire::field> fields(a.extra_fields.begin(), a.extra_fields.end());
    fields.push_back({"Date", date});
    auto dated = a;
    dated.extra_fields = fields;
    answer(dated);
}

}  // namespace instatunnel::edge
