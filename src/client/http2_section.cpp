#include "http2_section.hpp"

#include <charconv>

#include "http2_app_limits.hpp"

namespace instatunnel::client {
namespace {

constexpr std::size_t section_field_overhead = 32;  // RFC 9113 §6.5.2
constexpr std::size_t section_kept_capacity = 4096;

}  // namespace

void http2_section::clear() noexcept {
    text_.clear();
    entries_.clear();
    size_ = count_ = 0;
    content_length_ = -1;
    status_ = 0;
    event_stream_ = false;
    fault_ = {};
}

void http2_section::shrink() noexcept {
    clear();
    if (text_.capacity() > section_kept_capacity) std::string().swap(text_);
}

bool http2_section::add(std::string_view name, std::string_view value) {
    size_ += name.size() + value.size() + section_field_overhead;
    if (size_ > http2_app_limits::hostile_section || ++count_ > http2_app_limits::hostile_fields) return false;
    if (size_ > http2_app_limits::section) fault_ = "fields longer than 64 KiB";
    if (count_ > http2_app_limits::section_fields) fault_ = "more than 256 fields";
    if (fault_.empty()) note(name, value);
    return true;
}

void http2_section::note(std::string_view name, std::string_view value) {
    if (name == ":status") {
        std::from_chars(value.data(), value.data() + value.size(), status_);
        return;
    }
    if (name.starts_with(':')) return;
    // ITP carries names with a length of one byte.
    if (name.size() > 255) fault_ = "a field name longer than 255 bytes";
    if (!wire::is_token(name) || !wire::is_field_value(value)) fault_ = "a malformed field";
    if (!fault_.empty() || wire::is_hop_by_hop(name)) return;
    if (name == "content-length") {
        const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), content_length_);
        if (ec != std::errc() || end != value.data() + value.size()) fault_ = "a malformed content-length";
        return;
    }
    if (name == "content-type" && value.starts_with("text/event-stream")) event_stream_ = true;
    entries_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(name.size()),
                        static_cast<std::uint32_t>(value.size())});
    text_.append(name).append(value);
}

void http2_section::fields(std::vector<wire::field>& out) const {
    const std::string_view all(text_);
    out.clear();
    for (const auto& e : entries_)
        out.push_back({all.substr(e.begin, e.name_size), all.substr(e.begin + e.name_size, e.value_size)});
}

}  // namespace instatunnel::client
