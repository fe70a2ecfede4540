#include "recorded_json.hpp"

#include <string>
#include <string_view>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/encoding.hpp"
#include "mcp_schema.hpp"

namespace instatunnel::cli {
namespace {

using client::recorded;
using client::recorded_body;
using client::recorded_field;
using nlohmann::json;

// Length of the character that begins at `at`; 0: it is none, or one that text for people does not have.
std::size_t plain_character(std::string_view s, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(at + i < s.size() ? s[at + i] : 0); };
    const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xBF) {
        return byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80)
        return (first >= 0x20 && first != 0x7F) || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    // RFC 3629 §4.
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF)
        return follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
    if (first >= 0xF0 && first <= 0xF4)
        return follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
    return 0;
}

// How much of it is text from the start on.
std::size_t plain_prefix(std::string_view s) {
    std::size_t at = 0;
    while (at < s.size()) {
        const auto n = plain_character(s, at);
        if (n == 0) break;
        at += n;
    }
    return at;
}

json body_json(const recorded_body& body, std::size_t limit) {
    json shown = json::object();
    shown["size"] = body.size;
    if (body.is_dropped) shown["dropped"] = true;
    if (body.bytes.empty()) return shown;
    const auto part = std::string_view(body.bytes).substr(0, limit);
    const bool is_cut = part.size() < body.size;
    if (is_cut) shown["truncated"] = true;
    if (part.empty()) return shown;
    const auto plain = plain_prefix(part);
    // A character may stand across the cut.
    if (plain == part.size() || (is_cut && part.size() - plain < 4 && static_cast<unsigned char>(part[plain]) >= 0xC2))
        shown["text"] = part.substr(0, plain);
    else
        shown["base64"] = to_base64(part);
    return shown;
}

json fields_json(const std::vector<recorded_field>& fields) {
    // A list of pairs: names may occur twice, and their order can matter.
    json list = json::array();
    for (const auto& f : fields) {
        json pair = json::array();
        pair.push_back(f.name);
        pair.push_back(f.value);
        list.push_back(std::move(pair));
    }
    return list;
}

const char* state_word(const recorded& r) {
    switch (r.how) {
        case recorded::stage::open:
            return "open";
        case recorded::stage::finished:
            return "finished";
        case recorded::stage::cut:
            break;
    }
    return "cut";
}

double milliseconds_of(std::chrono::microseconds t) {
    return static_cast<double>(t.count()) / 1000.0;
}

std::string time_text(std::chrono::system_clock::time_point t) {
    const auto at = std::chrono::floor<std::chrono::microseconds>(t);
    auto text = to_rfc3339(at);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count() % 1000;
    const auto digits = std::to_string(1000 + ms).substr(1);
    return text.insert(text.size() - 1, "." + digits);
}

json reply_json(const recorded& r, std::size_t body_limit) {
    json reply = json::object();
    reply["status"] = r.status;
    reply["fields"] = fields_json(r.reply_fields);
    reply["body"] = body_json(r.reply_body, body_limit);
    if (!r.reply_trailers.empty()) reply["trailers"] = fields_json(r.reply_trailers);
    return reply;
}

json plain(const char* type) {
    json made = json::object();
    made["type"] = type;
    return made;
}

json row_properties() {
    json p = json::object();
    for (const auto* name : {"id", "tunnel", "method", "path", "state", "started", "upgraded_to", "fault", "replay_of"})
        p[name] = plain("string");
    for (const auto* name : {"status", "bytes_in", "bytes_out"})
        p[name] = plain("integer");
    p["took_ms"] = plain("number");
    p["streaming"] = plain("boolean");
    return p;
}

json row_required() {
    json names = json::array();
    for (const auto* name : {"id", "tunnel", "method", "path", "state", "started", "bytes_in", "bytes_out"})
        names.push_back(name);
    return names;
}

}  // namespace

json recorded_row(const recorded& r) {
    json row = json::object();
    row["id"] = client::request_id(r.number);
    row["tunnel"] = r.tunnel;
    row["method"] = r.method;
    row["path"] = r.path;
    row["state"] = state_word(r);
    if (r.status != 0) row["status"] = r.status;
    row["bytes_in"] = r.body.size;
    row["bytes_out"] = r.reply_body.size;
    row["started"] = time_text(r.started);
    if (r.ended) row["took_ms"] = milliseconds_of(*r.ended);
    if (!r.upgraded_to.empty()) row["upgraded_to"] = r.upgraded_to;
    if (r.is_event_stream) row["streaming"] = true;
    if (!r.fault.empty()) row["fault"] = r.fault;
    if (r.replay_of != 0) row["replay_of"] = client::request_id(r.replay_of);
    return row;
}

json recorded_whole(const recorded& r, std::size_t body_limit) {
    auto whole = recorded_row(r);
    whole["scheme"] = r.https ? "https" : "http";
    whole["authority"] = r.authority;
    whole["http_version"] = r.http_version == 20 ? "2" : r.http_version == 10 ? "1.0" : "1.1";
    if (!r.visitor.empty()) whole["visitor"] = r.visitor;
    if (r.first_byte) whole["first_byte_ms"] = milliseconds_of(*r.first_byte);
    if (!r.fault_text.empty()) whole["fault_text"] = r.fault_text;
    if (r.how == recorded::stage::cut) whole["cut_by"] = r.by_visitor ? "visitor" : "app";
    if (!r.asked_upgrade.empty()) whole["asked_upgrade"] = r.asked_upgrade;
    json request = json::object();
    request["fields"] = fields_json(r.fields);
    request["body"] = body_json(r.body, body_limit);
    if (!r.trailers.empty()) request["trailers"] = fields_json(r.trailers);
    if (!r.request_ended) request["incomplete"] = true;
    whole["request"] = std::move(request);
    if (r.status != 0) whole["reply"] = reply_json(r, body_limit);
    return whole;
}

json recorded_row_schema() {
    return schema::result(row_properties(), row_required());
}

json recorded_whole_schema() {
    auto properties = row_properties();
    for (const auto* name : {"request", "reply"})
        properties[name] = plain("object");
    auto required = row_required();
    required.push_back("request");
    return schema::result(std::move(properties), std::move(required));
}

}  // namespace instatunnel::cli
