#include "instatunnel/mcp/event_stream.hpp"

#include <vector>

namespace instatunnel::mcp {
namespace {

/// The next line of `rest` without its end (CR, LF or both).
std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find_first_of("\r\n");
    const auto line = rest.substr(0, end);
    if (end == std::string_view::npos)
        rest = {};
    else
        rest.remove_prefix(end + (rest.substr(end, 2) == "\r\n" ? 2 : 1));
    return line;
}

bool is_field(std::string_view line, std::string_view name, std::string_view& value) {
    if (!line.starts_with(name)) return false;
    line.remove_prefix(name.size());
    if (!line.empty() && line.front() != ':') return false;
    if (!line.empty()) line.remove_prefix(1);
    if (line.starts_with(' ')) line.remove_prefix(1);
    value = line;
    return true;
}

void append_data(std::string& out, std::string_view data) {
    do {
        out.append("data: ").append(take_line(data)).append("\n");
    } while (!data.empty());
}

}  // namespace

stream_event read_event(std::string_view lines) {
    stream_event e;
    while (!lines.empty()) {
        const auto line = take_line(lines);
        std::string_view value;
        if (is_field(line, "data", value)) {
            if (e.has_data) e.data += '\n';
            e.data.append(value);
            e.has_data = true;
        } else if (is_field(line, "event", value)) {
            e.name.assign(value);
        } else if (is_field(line, "id", value)) {
            e.id.assign(value);
        }
    }
    return e;
}

std::string replace_data(std::string_view lines, std::string_view data) {
    std::string out;
    bool written = false;
    while (!lines.empty()) {
        const auto line = take_line(lines);
        std::string_view value;
        if (line.empty()) continue;
        if (!is_field(line, "data", value)) {
            out.append(line).append("\n");
        } else if (!written) {
            append_data(out, data);
            written = true;
        }
    }
    return out.append("\n");
}

std::string make_event(std::string_view name, std::string_view id, std::string_view data) {
    std::string out;
    if (!name.empty()) out.append("event: ").append(name).append("\n");
    if (!id.empty()) out.append("id: ").append(id).append("\n");
    append_data(out, data);
    return out.append("\n");
}

event_splitter::step event_splitter::end_line() {
    const bool is_empty = line_.find_first_not_of("\r\n") == std::string::npos;
    if (is_empty || line_.front() == ':') {
        const bool ends_event = is_empty && !event_.empty();
        given_ = ends_event ? std::move(event_) + line_ : line_;
        if (ends_event) event_.clear();
        line_.clear();
        cr_in_event_ = false;
        return {ends_event ? piece::event : piece::other, given_};
    }
    event_.append(line_);
    line_.clear();
    cr_in_event_ = true;
    return {};
}

event_splitter::step event_splitter::next(std::string_view& input) {
    while (!input.empty()) {
        // The line was over with its CR; this LF only belongs to it.
        if (after_cr_ && input.front() == '\n') {
            after_cr_ = false;
            input.remove_prefix(1);
            if (!cr_in_event_) {
                given_ = "\n";
                return {piece::other, given_};
            }
            event_ += '\n';
            continue;
        }
        after_cr_ = false;
        const auto end = input.find_first_of("\r\n");
        const auto size = end == std::string_view::npos ? input.size() : end + 1;
        if (held() + size > limit_) return {piece::too_long, {}};
        line_.append(input.substr(0, size));
        input.remove_prefix(size);
        if (end == std::string_view::npos) return {};
        after_cr_ = line_.back() == '\r';
        if (const auto s = end_line(); s.what != piece::need_more) return s;
    }
    return {};
}

std::string event_splitter::take_rest() {
    auto rest = std::move(event_) + line_;
    event_.clear();
    line_.clear();
    return rest;
}

}  // namespace instatunnel::mcp
