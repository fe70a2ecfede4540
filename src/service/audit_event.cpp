#include "audit_event.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::service {
namespace {

constexpr std::size_t max_event_text = 254;
constexpr std::size_t max_members = 12;
constexpr std::size_t key_prefix_bytes = 3;
constexpr std::size_t min_key_bytes = 16;

bool is_key_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// People name things after their keys, and put them into the wrong field.
std::string without_keys(std::string text) {
    for (auto at = text.find("it_"); at != std::string::npos; at = text.find("it_", at + key_prefix_bytes)) {
        const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at + key_prefix_bytes);
        const auto end = std::find_if_not(begin, text.end(), is_key_character);
        if (static_cast<std::size_t>(end - begin) < min_key_bytes) continue;
        const auto length = static_cast<std::size_t>(end - begin) + key_prefix_bytes;
        text.replace(at, length, mask_key(std::string_view(text).substr(at, length)));
    }
    return text;
}

std::string valid_utf8(const std::string& text) {
    const auto json = nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    return nlohmann::json::parse(json).get<std::string>();
}

// Cut where a character of UTF-8 begins.
std::string clean(std::string_view text) {
    auto masked = without_keys(std::string(text));
    if (masked.size() > max_event_text) {
        std::size_t end = max_event_text;
        while (end > 0 && (static_cast<unsigned char>(masked[end]) & 0xC0) == 0x80)
            --end;
        masked.resize(end);
    }
    for (char& c : masked)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return valid_utf8(masked);
}

}  // namespace

std::string_view word_for(actor_kind kind) noexcept {
    switch (kind) {
        case actor_kind::user:
            return "user";
        case actor_kind::key:
            return "key";
        case actor_kind::client:
            return "client";
        case actor_kind::admin:
            return "admin";
        case actor_kind::system:
            return "system";
        default:
            return "anonymous";
    }
}

audit_event& audit_event::by(actor_kind kind, std::string_view id) {
    kind_ = kind;
    actor_ = clean(id);
    return *this;
}

audit_event& audit_event::of(std::string_view account_id) {
    account_id_ = clean(account_id);
    return *this;
}

audit_event& audit_event::about(std::string_view target) {
    target_ = clean(target);
    return *this;
}

audit_event& audit_event::from(std::string_view address) {
    address_ = clean(address);
    return *this;
}

audit_event& audit_event::refused(std::string_view why) {
    refused_ = true;
    return with("why", why);
}

audit_event& audit_event::with(std::string_view name, std::string_view value) {
    if (detail_.size() < max_members) detail_.push_back({std::string(name), clean(value), 0, true});
    return *this;
}

audit_event& audit_event::with(std::string_view name, std::uint64_t value) {
    if (detail_.size() < max_members) detail_.push_back({std::string(name), {}, value, false});
    return *this;
}

store::audit_record audit_event::record(wall_time now) const {
    nlohmann::ordered_json detail = nlohmann::ordered_json::object();
    for (const auto& m : detail_)
        if (m.is_text)
            detail[m.name] = m.text;
        else
            detail[m.name] = m.number;
    store::audit_record r;
    r.at = now;
    r.actor_kind = word_for(kind_);
    r.actor = actor_;
    r.account_id = account_id_;
    r.action = action_;
    r.target = target_;
    r.address = address_;
    r.result = refused_ ? "refused" : "ok";
    r.detail = detail.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    return r;
}

}  // namespace instatunnel::service
