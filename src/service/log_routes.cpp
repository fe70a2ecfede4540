// What the visitors of an account's tunnels asked for, as the edge remembers it.

#include <charconv>

#include "api.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/form.hpp"
#include "json_body.hpp"
#include "request_followers.hpp"

namespace instatunnel::service {
namespace {

constexpr std::uint64_t most_requests = 1000;
constexpr std::uint64_t longest_wait = 25;  // s; below the time that the edge gives an answer
constexpr std::size_t longest_pattern = 256;

struct log_question {
    request_log::filter wanted;
    std::chrono::seconds wait{0};
    std::string position;
    std::optional<api_error> error;
};

std::optional<std::uint64_t> number_in(std::string_view text, std::uint64_t most) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number > most) return std::nullopt;
    return number;
}

void read_limits(const form& query, log_question& asked) {
    if (const auto text = query.find("limit")) {
        const auto limit = number_in(*text, most_requests);
        if (!limit || *limit == 0)
            asked.error = wrong_value("limit", "\"limit\" must be 1 to " + std::to_string(most_requests));
        else
            asked.wanted.limit = *limit;
    }
    if (const auto text = query.find("wait")) {
        const auto wait = number_in(*text, longest_wait);
        if (!wait)
            asked.error = wrong_value("wait", "\"wait\" must be 0 to " + std::to_string(longest_wait) + " seconds");
        else
            asked.wait = std::chrono::seconds(*wait);
    }
}

void read_filters(const form& query, log_question& asked) {
    if (const auto text = query.find("since")) {
        const auto since = parse_rfc3339(*text);
        if (!since)
            asked.error = wrong_value("since", "\"since\" must be a time like 2026-11-22T15:26:19Z");
        else
            asked.wanted.since_us = since->time_since_epoch().count();
    }
    if (const auto text = query.find("status")) {
        asked.wanted.statuses = wire::status_set::parse(*text);
        if (!asked.wanted.statuses)
            asked.error = wrong_value("status", "\"status\" must be like 404, 5xx, 400-499 or a list of these");
    }
    if (const auto text = query.find("path")) {
        if (text->empty() || text->size() > longest_pattern)
            asked.error = wrong_value("path", "\"path\" must have 1 to 256 bytes");
        else
            asked.wanted.paths = wire::path_pattern(std::string(*text));
    }
}

log_question read_question(const call_ptr& c) {
    log_question asked;
    const auto query = form::parse(c->request.query);
    if (!query) {
        asked.error = wrong_value("query", "The query is not well-formed");
        return asked;
    }
    asked.wanted.account_id = c->key.account_id;
    asked.position = query->value("after");
    read_limits(*query, asked);
    read_filters(*query, asked);
    return asked;
}

// With milliseconds: several requests of a second are the rule.
std::string time_of(std::int64_t us) {
    auto text = to_rfc3339(wall_time(std::chrono::microseconds(us)));
    const auto fraction = std::to_string(1000 + us / 1000 % 1000);
    return text.insert(text.size() - 1, "." + fraction.substr(1));
}

nlohmann::ordered_json describe_request(const logged_request& r) {
    nlohmann::ordered_json row;
    row["at"] = time_of(r.began_us);
    row["tunnel"] = r.of->name;
    row["tunnel_id"] = r.of->tunnel_id;
    row["method"] = r.method();
    row["path"] = r.path();
    row["path_cut"] = r.is_cut;
    row["status"] = nullptr;
    if (r.status != 0) row["status"] = r.status;
    row["complete"] = r.is_whole;
    row["bytes_in"] = r.bytes_in;
    row["bytes_out"] = r.bytes_out;
    row["ms"] = static_cast<double>(r.took_us) / 1000;
    return row;
}

}  // namespace

void api::list_requests(const call_ptr& c) {
    answer_requests(c, {});
}

void api::list_tunnel_requests(const call_ptr& c) {
    if (const auto found = find_tunnel(c)) answer_requests(c, found->id);
}

void api::answer_requests(const call_ptr& c, const std::string& tunnel_id) {
    auto asked = read_question(c);
    if (asked.error) return c->fail(*asked.error);
    asked.wanted.tunnel_id = tunnel_id;
    const auto reply = [run = log_run_](const call_ptr& answered, const request_log::page& page, bool gap) {
        nlohmann::ordered_json body;
        body["requests"] = nlohmann::ordered_json::array();
        for (const auto& r : page.requests)
            body["requests"].push_back(describe_request(r));
        body["next"] = run + "-" + std::to_string(page.next);
        body["gap"] = gap || page.has_gap;
        answered->reply(200, body);
    };
    const auto dash = std::min(asked.position.find('-'), asked.position.size());
    const auto number =
        number_in(std::string_view(asked.position).substr(std::min(dash + 1, asked.position.size())), UINT64_MAX);
    if (!asked.position.empty() && (!number || dash == 0))
        return c->fail(wrong_value("after", "\"after\" must be a \"next\" of an earlier answer"));
    const bool is_of_this_run = asked.position.substr(0, dash) == log_run_;
    // From before a restart: everything that is known came after it, and what was lost in between is not known.
    if (!asked.position.empty()) asked.wanted.after = is_of_this_run ? *number : 0;
    const bool is_older = !asked.position.empty() && !is_of_this_run;
    if (asked.wait.count() == 0 || asked.position.empty() || is_older)
        return reply(c, parts_.requests.find(asked.wanted), is_older);
    followers_.follow(c, std::move(asked.wanted), asked.wait,
                      [this, reply](const call_ptr& answered, const request_log::page& page) {
                          // It may have waited for as long as it takes to revoke its key.
                          if (guard_.key_still_works(answered)) reply(answered, page, false);
                      });
}

}  // namespace instatunnel::service
