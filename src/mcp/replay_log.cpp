#include "instatunnel/mcp/replay_log.hpp"

#include <charconv>

namespace instatunnel::mcp {
namespace {

std::string event_id(std::uint64_t stream, std::uint64_t number) {
    return std::to_string(stream) + "." + std::to_string(number);
}

bool read_number(std::string_view text, std::uint64_t& out) {
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string replay_log::append(std::uint64_t stream, std::string_view data) {
    entries_.push_back({stream, ++last_number_, std::string(data)});
    bytes_ += data.size();
    while (entries_.size() > max_events || bytes_ > max_bytes) {
        bytes_ -= entries_.front().data.size();
        forgotten_ = entries_.front().number;
        entries_.pop_front();
    }
    return event_id(stream, last_number_);
}

std::optional<replay_log::replay> replay_log::after(std::string_view id) const {
    const auto dot = id.find('.');
    replay found;
    std::uint64_t number = 0;
    if (dot == std::string_view::npos || !read_number(id.substr(0, dot), found.stream) ||
        !read_number(id.substr(dot + 1), number) || number > last_number_ || number < forgotten_)
        return std::nullopt;
    for (const auto& e : entries_)
        if (e.number > number && e.stream == found.stream)
            found.events.push_back({event_id(e.stream, e.number), e.data});
    return found;
}

}  // namespace instatunnel::mcp
