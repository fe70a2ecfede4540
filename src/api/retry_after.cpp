#include "retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace instatunnel::api {
namespace {

constexpr std::uint64_t longest_wait = 24 * 60 * 60;

}  // namespace

std::optional<std::chrono::seconds> retry_after(const http_reply& reply, const nlohmann::json& body) {
    std::uint64_t seconds = 0;
    const auto found = body.is_object() ? body.find("retry_after") : body.end();
    if (found != body.end() && found->is_number_unsigned()) {
        seconds = found->get<std::uint64_t>();
    } else {
        const auto field = reply.field("Retry-After");
        const auto end = field.data() + field.size();
        if (std::from_chars(field.data(), end, seconds).ptr != end) seconds = 0;
    }
    if (seconds == 0) return std::nullopt;
    return std::chrono::seconds(std::min(seconds, longest_wait));
}

}  // namespace instatunnel::api
