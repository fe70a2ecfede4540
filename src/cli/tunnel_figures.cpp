#include "tunnel_figures.hpp"

#include <cmath>

#include "instatunnel/base/clock.hpp"

namespace instatunnel::cli {
namespace {

std::string number_or_null(const std::optional<double>& ms) {
    if (!ms) return "null";
    auto text = std::to_string(std::llround(*ms * 1000));  // µs, as the server measures
    if (text.size() < 4) text.insert(0, 4 - text.size(), '0');
    return text.insert(text.size() - 3, ".");
}

}  // namespace

bool is_active(const api::tunnel_info& t) {
    return t.status == "online" || t.status == "active";
}

std::string uptime_text(const api::tunnel_info& t) {
    return t.uptime_seconds ? to_human(std::chrono::seconds(*t.uptime_seconds)) : "-";
}

std::string latency_text(const std::optional<double>& ms) {
    return ms ? to_human(std::chrono::milliseconds(std::max(std::llround(*ms), 1ll))) : "-";
}

json_line tunnel_object(const api::tunnel_info& t) {
    auto object = json_line::object();
    object.with("id", t.id).with("name", t.name).with("url", t.url).with("target", t.target);
    object.with("status", t.status).with("created_at", t.created_at).with("uptime_seconds", t.uptime_seconds);
    object.with("requests", t.requests).with("bytes_in", t.bytes_in).with("bytes_out", t.bytes_out);
    object.with_json("latency_p50_ms", number_or_null(t.latency_p50_ms));
    return object.with_json("latency_p99_ms", number_or_null(t.latency_p99_ms));
}

}  // namespace instatunnel::cli
