#include <algorithm>
#include <charconv>
#include <limits>

#include "api.hpp"
#include "instatunnel/base/clock.hpp"
#include "json_body.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t default_page = 50;
constexpr std::uint64_t max_page = 500;

struct page_request {
    std::uint64_t before = 0;
    std::uint64_t limit = default_page;
    std::string action;
    std::optional<api_error> error;
};

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

bool is_action(std::string_view text) {
    return !text.empty() && text.size() <= 64 && text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == text.npos;
}

void take(page_request& page, std::string_view name, std::string_view value) {
    constexpr std::uint64_t no_more = std::numeric_limits<std::int64_t>::max();
    const auto number = whole_number(value);
    if (name == "before") {
        if (number && *number > 0 && *number <= no_more)
            page.before = *number;
        else
            page.error = wrong_value("before", "\"before\" must be a number from \"next_before\"");
    } else if (name == "limit") {
        if (number && *number > 0 && *number <= max_page)
            page.limit = *number;
        else
            page.error = wrong_value("limit", "\"limit\" must be 1 to " + std::to_string(max_page));
    } else if (name == "action") {
        if (is_action(value))
            page.action = value;
        else
            page.error = wrong_value("action", "\"action\" must be one like login.failed");
    }
}

// Parameters that nobody asked for are ignored, like members of a body.
page_request read_page(std::string_view query) {
    page_request page;
    while (!query.empty() && !page.error) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        const auto equals = std::min(pair.find('='), pair.size());
        take(page, pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size())));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return page;
}

nlohmann::ordered_json text_or_null(const std::string& text) {
    return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

nlohmann::ordered_json describe_event(const store::audit_record& r) {
    nlohmann::ordered_json row;
    row["seq"] = r.seq;
    row["at"] = to_rfc3339(r.at);
    row["action"] = r.action;
    row["result"] = r.result;
    row["actor"]["kind"] = r.actor_kind;
    // The names of the edge's own people are not the account's business.
    row["actor"]["id"] = r.actor_kind == "admin" ? nlohmann::ordered_json() : text_or_null(r.actor);
    row["target"] = text_or_null(r.target);
    row["address"] = text_or_null(r.address);
    auto detail = nlohmann::ordered_json::parse(r.detail, nullptr, /*allow_exceptions=*/false);
    row["detail"] = detail.is_object() ? std::move(detail) : nlohmann::ordered_json::object();
    return row;
}

}  // namespace

void api::list_audit(const call_ptr& c) {
    const auto page = read_page(c->request.query);
    if (page.error) return c->fail(*page.error);
    // What was noted a moment ago belongs to the answer.
    (void)parts_.addresses.flush();
    (void)parts_.audit.flush();
    store::audit_filter filter;
    filter.account_id = c->key.account_id;
    filter.action = page.action;
    if (page.before > 0) filter.before = page.before;
    filter.newest_first = true;
    filter.limit = page.limit;
    auto records = parts_.data.list_audit(filter);
    if (!records) return c->fail(records.error());
    nlohmann::ordered_json body;
    body["events"] = nlohmann::ordered_json::array();
    for (const auto& r : *records)
        body["events"].push_back(describe_event(r));
    body["next_before"] = nullptr;
    if (records->size() == page.limit) body["next_before"] = records->back().seq;
    c->reply(200, body);
}

}  // namespace instatunnel::service
