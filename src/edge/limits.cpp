#include "instatunnel/edge/limits.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <variant>

#include "instatunnel/base/duration.hpp"

namespace instatunnel::edge {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t gib = 1024 * mib;
constexpr std::uint64_t most_a_period = 1'000'000;

struct time_limit {
    milliseconds edge_limits::*in;
    milliseconds least{10};
    milliseconds most = std::chrono::hours(24);
};
/// One that the tunnel's session keeps.
struct session_time_limit {
    milliseconds engine::session_limits::*in;
    milliseconds least{100};
    milliseconds most = std::chrono::hours(1);
};
struct number_limit {
    void (*set)(edge_limits&, std::uint64_t);
    std::uint64_t least;
    std::uint64_t most;
};
struct size_limit : number_limit {};
/// So many a second (wrong passwords: a minute), `burst` seconds' worth at once.
struct rate_limit {
    void (*set)(edge_limits&, auth::bucket_rule);
    double burst;
    std::chrono::seconds period{1};
};

struct named_limit {
    std::string_view name;
    std::variant<time_limit, session_time_limit, size_limit, number_limit, rate_limit> what;
};

using rule = auth::bucket_rule;
using limits = edge_limits;
using number = std::uint64_t;

const named_limit limits_by_name[] = {
    {"doorstep", time_limit{&limits::doorstep}},
    {"handshake", time_limit{&limits::handshake}},
    {"first-byte", time_limit{&limits::first_byte}},
    {"whole-head", time_limit{&limits::whole_head}},
    {"head-grace", time_limit{&limits::head_grace, milliseconds(0)}},
    {"keep-alive", time_limit{&limits::keep_alive}},
    {"body-window", time_limit{&limits::body_window}},
    {"continue-wait", time_limit{&limits::continue_wait}},
    {"reply-head", time_limit{&limits::reply_head}},
    {"reply-idle", time_limit{&limits::reply_idle}},
    {"raw-accept", time_limit{&limits::raw_accept}},
    {"raw-idle", time_limit{&limits::raw_idle}},
    {"hello", time_limit{&limits::hello}},
    {"hold", time_limit{&limits::hold, milliseconds(0), std::chrono::minutes(5)}},
    {"ping", session_time_limit{&engine::session_limits::ping_after}},
    {"silence", session_time_limit{&engine::session_limits::dead_after}},
    {"parked", number_limit{[](limits& l, number v) { l.parked = v; }, 0, 100'000}},
    {"parked-wait", time_limit{&limits::parked_wait}},
    {"parked-body", size_limit{{[](limits& l, number v) { l.parked_body = v; }, 0, gib}}},
    {"unaccepted", number_limit{[](limits& l, number v) { l.session.max_unaccepted = v; }, 1, 100'000}},
    // A head travels in at most 64 KiB: beyond, nothing would be gained.
    {"start-line", size_limit{{[](limits& l, number v) { l.head.max_start_line = v; }, 64, 64 * kib}}},
    {"field", size_limit{{[](limits& l, number v) { l.head.max_field = v; }, 64, 64 * kib}}},
    {"head-rate", size_limit{{[](limits& l, number v) { l.head_rate = v; }, 0, mib}}},
    {"head", size_limit{{[](limits& l, number v) { l.head.max_head = v; }, 256, 64 * kib}}},
    {"fields", number_limit{[](limits& l, number v) { l.head.max_fields = v; }, 5, 500}},
    {"body", size_limit{{[](limits& l, number v) { l.body = v; }, 1, 1024 * gib}}},
    {"body-minimum", size_limit{{[](limits& l, number v) { l.body_minimum = v; }, 1, gib}}},
    {"reply-minimum", size_limit{{[](limits& l, number v) { l.reply_minimum = v; }, 1, gib}}},
    {"window-growth", size_limit{{[](limits& l, number v) { l.session.growth_budget = v; }, 0, gib}}},
    {"streams", number_limit{[](limits& l, number v) { l.session.max_streams = v; }, 1, 100'000}},
    {"memory", size_limit{{[](limits& l, number v) { l.memory = v; }, mib, 1024 * gib}}},
    {"visitors", number_limit{[](limits& l, number v) { l.visitors = v, l.visitors_set = true; }, 1, 1'000'000}},
    {"visitors-per-address",
     number_limit{[](limits& l, number v) { l.visitors_per_address = v, l.on_loopback.visitors_per_address = true; }, 1,
                  1'000'000}},
    {"lanes-without-hello", number_limit{[](limits& l, number v) { l.lanes_without_hello = v; }, 1, 10'000}},
    {"v1-body", size_limit{{[](limits& l, number v) { l.v1_body = v; }, 1, gib}}},
    {"v1-bytes", size_limit{{[](limits& l, number v) { l.v1_bytes = v; }, 64 * kib, 16 * gib}}},
    {"v1-silence", time_limit{&limits::v1_silence}},
    {"handshakes-per-address",
     rate_limit{[](limits& l, rule r) { l.handshakes = r, l.on_loopback.handshakes = true; }, 3}},
    {"requests-per-tunnel",
     rate_limit{[](limits& l, rule r) { l.tunnel_requests = r, l.on_loopback.tunnel_requests = true; }, 2}},
    {"wrong-passwords", rate_limit{[](limits& l, rule r) { l.gate_tries = rule::in_any_minute(r.capacity); }, 1,
                                   std::chrono::seconds(60)}},
    {"http2-streams",
     number_limit{[](limits& l, number v) { l.http2.streams = static_cast<std::uint32_t>(v); }, 1, 10'000}},
    {"http2-resets", rate_limit{[](limits& l, rule r) { l.http2.resets = r; }, 10}},
    {"http2-control-frames", rate_limit{[](limits& l, rule r) { l.http2.control_frames = r; }, 10}},
    {"http2-window-updates", rate_limit{[](limits& l, rule r) { l.http2.window_updates = r; }, 10}},
};

const named_limit* find_limit(std::string_view name) noexcept {
    const auto found = std::ranges::find(limits_by_name, name, &named_limit::name);
    return found == std::end(limits_by_name) ? nullptr : found;
}

std::optional<std::uint64_t> parse_number(std::string_view text, bool with_unit) {
    std::uint64_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc()) return std::nullopt;
    if (end == last) return value;
    std::uint64_t unit = 0;
    if (with_unit && end + 1 == last) unit = *end == 'k' ? kib : *end == 'm' ? mib : *end == 'g' ? gib : 0;
    if (unit == 0 || value > UINT64_MAX / unit) return std::nullopt;
    return value * unit;
}

/// Empty when the value was taken, else what it has to be.
struct setter {
    edge_limits& into;
    std::string_view value;

    template <class Limit>
    std::string take_time(const Limit& t, milliseconds& to) const {
        const auto time = parse_duration(value, t.most);
        if (!time || *time < t.least)
            return "a time up to " + std::to_string(t.most.count() / 1000) + "s, like 10s or 500ms";
        to = *time;
        return {};
    }
    std::string operator()(const time_limit& t) const { return take_time(t, into.*t.in); }
    std::string operator()(const session_time_limit& t) const { return take_time(t, into.session.*t.in); }
    std::string take(const number_limit& n, bool with_unit, std::string_view example) const {
        const auto parsed = parse_number(value, with_unit);
        if (!parsed || *parsed < n.least || *parsed > n.most)
            return "from " + std::to_string(n.least) + " to " + std::to_string(n.most) + std::string(example);
        n.set(into, *parsed);
        return {};
    }
    std::string operator()(const size_limit& n) const { return take(n, true, " bytes, like 64k or 1m"); }
    std::string operator()(const number_limit& n) const { return take(n, false, ""); }
    std::string operator()(const rate_limit& r) const {
        const auto parsed = parse_number(value, false);
        if (!parsed || *parsed == 0 || *parsed > most_a_period)
            return std::string("from 1 to 1000000 a ") + (r.period == std::chrono::seconds(1) ? "second" : "minute");
        const auto rate = static_cast<double>(*parsed);
        r.set(into, {std::max(1.0, rate * r.burst), std::chrono::duration<double>(r.period) / rate});
        return {};
    }
};

}  // namespace

bool is_limit_name(std::string_view name) noexcept {
    return find_limit(name) != nullptr;
}

std::string limit_names() {
    std::string text;
    for (const auto& l : limits_by_name)
        text.append(text.empty() ? "" : ", ").append(l.name);
    return text;
}

outcome<void> set_limit(edge_limits& into, std::string_view text) {
    const auto equals = text.find('=');
    const auto name = text.substr(0, equals);
    const auto* known = find_limit(name);
    if (known == nullptr)
        return failure(errc::usage, "There is no limit \"" + std::string(name.substr(0, 80)) + "\"",
                       "Name one of: " + limit_names());
    const auto value = equals == std::string_view::npos ? std::string_view() : text.substr(equals + 1);
    const auto wanted = std::visit(setter{into, value}, known->what);
    if (wanted.empty()) return {};
    return failure(errc::usage, "The limit " + std::string(name) + " must be " + wanted,
                   "Write it like --limit " + std::string(name) + "=VALUE");
}

std::string_view limit_behind(std::string_view reason) noexcept {
    if (reason == "start line too long") return "start-line";
    if (reason == "field too long" || reason == "field line too long") return "field";
    if (reason == "head too long") return "head";
    if (reason == "too many fields") return "fields";
    return {};
}

}  // namespace instatunnel::edge
