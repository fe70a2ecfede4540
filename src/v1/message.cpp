#include "instatunnel/v1/message.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/names.hpp"

namespace instatunnel::v1 {
namespace {

using nlohmann::ordered_json;

// Texts come from the network; a byte that is not UTF-8 has no place in JSON.
std::string to_text(const ordered_json& value) {
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// Text with a body in the middle of it, which becomes base64 on its way out.
class whole_message final : public message_source {
public:
    whole_message(std::string head, std::string body, std::string tail, std::shared_ptr<void> held)
        : head_(std::move(head)), body_(std::move(body)), tail_(std::move(tail)), held_(std::move(held)) {}

    std::size_t read(std::span<char> into, bool& ended) override {
        std::size_t filled = copy(head_, head_sent_, into);
        filled += copy_body(into.subspan(filled));
        if (head_sent_ == head_.size() && body_sent_ == body_.size() && encoded_sent_ == encoded_.size())
            filled += copy(tail_, tail_sent_, into.subspan(filled));
        ended = head_sent_ == head_.size() && tail_sent_ == tail_.size() && body_sent_ == body_.size() &&
                encoded_sent_ == encoded_.size();
        return filled;
    }

private:
    static std::size_t copy(const std::string& from, std::size_t& sent, std::span<char> into) {
        const auto size = std::min(from.size() - sent, into.size());
        std::memcpy(into.data(), from.data() + sent, size);
        sent += size;
        return size;
    }

    std::size_t copy_body(std::span<char> into) {
        std::size_t filled = 0;
        while (filled < into.size()) {
            if (encoded_sent_ == encoded_.size()) {
                if (body_sent_ == body_.size()) break;
                constexpr std::size_t part = 3 * 1024;  // whole groups: no padding but at the end
                encoded_ = to_base64(std::string_view(body_).substr(body_sent_, part));
                body_sent_ += std::min(part, body_.size() - body_sent_);
                encoded_sent_ = 0;
            }
            filled += copy(encoded_, encoded_sent_, into.subspan(filled));
        }
        return filled;
    }

    std::string head_;
    std::string body_;
    std::string tail_;
    std::string encoded_;
    std::size_t head_sent_ = 0;
    std::size_t body_sent_ = 0;
    std::size_t encoded_sent_ = 0;
    std::size_t tail_sent_ = 0;
    std::shared_ptr<void> held_;
};

std::unique_ptr<message_source> with_body(ordered_json data, const char* type, const message& m, std::string body,
                                          std::shared_ptr<void> held) {
    auto& fields = data["headers"] = ordered_json::object();
    for (const auto& [name, value] : m.fields)
        fields[name] = value;
    ordered_json whole;
    whole["type"] = type;
    whole["data"] = std::move(data);
    auto head = to_text(whole);
    std::string tail = "}}";
    if (!body.empty()) {
        head.resize(head.size() - tail.size());
        head += ",\"body\":\"";
        tail = "\"}}";
    } else {
        tail.clear();
    }
    return std::make_unique<whole_message>(std::move(head), std::move(body), std::move(tail), std::move(held));
}

bool stays_here(std::string_view name) noexcept {
    return wire::is_hop_by_hop(name) || iequals(name, "Content-Length");
}

// The n-th way to write a name: its letters' cases are the bits of n, which is 0 for the name as it is.
std::string respell(std::string_view name, unsigned n) {
    std::string text(name);
    for (auto& c : text) {
        if (n == 0) break;
        if ((c | 0x20) < 'a' || (c | 0x20) > 'z') continue;
        if ((n & 1) != 0) c = static_cast<char>(c ^ 0x20);
        n >>= 1;
    }
    return text;
}

}  // namespace

std::unique_ptr<message_source> plain_message(std::string_view type, std::shared_ptr<void> held) {
    ordered_json whole;
    whole["type"] = type;
    return std::make_unique<whole_message>(to_text(whole), std::string(), std::string(), std::move(held));
}

std::unique_ptr<message_source> connected_message(std::string_view url) {
    ordered_json whole;
    whole["type"] = "connected";
    whole["data"]["url"] = url;
    return std::make_unique<whole_message>(to_text(whole), std::string(), std::string(), nullptr);
}

std::unique_ptr<message_source> request_message(const message& m, std::string body, std::shared_ptr<void> held) {
    ordered_json data;
    data["id"] = m.id;
    data["method"] = m.method;
    data["url"] = m.url;
    return with_body(std::move(data), "request", m, std::move(body), std::move(held));
}

std::unique_ptr<message_source> response_message(const message& m, std::string body, std::shared_ptr<void> held) {
    ordered_json data;
    data["id"] = m.id;
    data["status_code"] = m.status;
    return with_body(std::move(data), "response", m, std::move(body), std::move(held));
}

field_map to_map(const std::vector<wire::field>& fields) {
    field_map map;
    unsigned cookies = 0;
    for (const auto& f : fields) {
        if (stays_here(f.name)) continue;
        if (iequals(f.name, "Set-Cookie")) {
            map.emplace_back(respell("Set-Cookie", cookies++), f.value);
            continue;
        }
        const auto known = std::ranges::find_if(map, [&](const auto& m) { return iequals(m.first, f.name); });
        if (known == map.end())
            map.emplace_back(f.name, f.value);
        else
            known->second.append(iequals(f.name, "Cookie") ? "; " : ", ").append(f.value);
    }
    return map;
}

bool from_map(const field_map& map, std::vector<wire::field>& fields) {
    fields.clear();
    const auto connection = find_value(map, "Connection");
    for (const auto& [name, value] : map) {
        if (name.size() > 255 || !wire::is_token(name) || !wire::is_field_value(value)) return false;
        if (stays_here(name) || wire::list_has_token(connection, name)) continue;
        fields.push_back({name, trim(value)});
    }
    return true;
}

std::string_view find_value(const field_map& map, std::string_view name) noexcept {
    for (const auto& [known, value] : map)
        if (iequals(known, name)) return value;
    return {};
}

}  // namespace instatunnel::v1
