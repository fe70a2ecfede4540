#include "instatunnel/mcp/exchange_filter.hpp"

#include <algorithm>
#include <utility>

#include "instatunnel/base/names.hpp"

namespace instatunnel::mcp {
namespace {

std::string_view media_type(std::string_view content_type) {
    return trim(content_type.substr(0, content_type.find(';')));
}

bool is_json_type(std::string_view content_type) {
    return to_lower(content_type).find("json") != std::string::npos;
}

bool is_event_stream_type(std::string_view content_type) {
    return iequals(media_type(content_type), "text/event-stream");
}

bool is_identity(std::string_view coding) {
    return trim(coding).empty() || iequals(trim(coding), "identity");
}

// "application/json;charset=utf-16" is read as UTF-16 by some.
bool is_foreign_charset(std::string_view content_type) {
    const auto lower = to_lower(content_type);
    const auto at = lower.find("charset");
    if (at == std::string::npos) return false;
    return lower.find("utf-8", at) == std::string::npos && lower.find("utf8", at) == std::string::npos &&
           lower.find("us-ascii", at) == std::string::npos;
}

enum class looks : std::uint8_t { unknown, like_json, like_something_else };

// Some servers read JSON whatever the type says; in UTF-16 and UTF-32 too, which show by their NUL bytes.
looks guess(std::string_view body) {
    if (body.substr(0, 4).find('\0') != std::string_view::npos) return looks::like_json;
    const auto first = body.find_first_not_of(" \t\r\n\v\f");
    if (first == std::string_view::npos) return looks::unknown;
    const auto c = static_cast<unsigned char>(body[first]);
    return c == '{' || c == '[' || c >= 0xEF ? looks::like_json : looks::like_something_else;
}

}  // namespace

// --- request ---------------------------------------------------------------------------------------------------------

exchange_filter::request_verdict exchange_filter::refuse(int status, int code, std::string_view why) {
    refusal_ = {status, error_message({}, code, why), false};
    return request_verdict::refuse;
}

exchange_filter::request_verdict exchange_filter::start(const std::vector<wire::field>& fields, bool is_upgrade,
                                                        bool ends) {
    if (!filters()) return request_verdict::forward;
    if (is_upgrade)
        return refuse(403, rpc_error::invalid_request,
                      "This tunnel permits some tools only, and cannot look into another protocol");
    if (ends) return request_verdict::forward;
    for (const auto& f : fields) {
        const bool is_type = iequals(f.name, "Content-Type");
        if ((iequals(f.name, "Content-Encoding") && !is_identity(f.value)) || (is_type && is_foreign_charset(f.value)))
            return refuse(415, rpc_error::invalid_request,
                          "This tunnel permits some tools only: send messages in UTF-8 and not compressed");
        is_json_ = is_json_ || (is_type && is_json_type(f.value));
    }
    decided_ = false;
    return request_verdict::hold;
}

exchange_filter::request_verdict exchange_filter::on_request_data(std::string_view bytes) {
    if (decided_) return request_verdict::forward;
    if (request_.size() + bytes.size() > filter_state::max_message)
        return refuse(413, rpc_error::invalid_request, "The message is longer than this tunnel's filter reads");
    if (!hold(bytes.size()))
        return refuse(503, rpc_error::server, "The tunnel's filter is holding too many messages at the moment");
    request_.append(bytes);
    if (is_json_) return request_verdict::hold;
    const auto kind = guess(request_);
    is_json_ = kind == looks::like_json;
    decided_ = kind == looks::like_something_else;
    return decided_ ? request_verdict::forward : request_verdict::hold;
}

exchange_filter::request_verdict exchange_filter::on_request_end() {
    if (decided_) return request_verdict::forward;
    decided_ = true;
    if (!is_json_ || request_.empty()) return request_verdict::forward;
    return judge();
}

exchange_filter::request_verdict exchange_filter::judge() {
    const auto read = read_messages(request_);
    if (!read.good()) {
        const bool valid = is_json(request_);
        // A server may take other JSON beside MCP, for its own sign-in for instance.
        if (valid && !may_name_method(request_)) return request_verdict::forward;
        return refuse(400, valid ? rpc_error::invalid_request : rpc_error::parse, read.fault);
    }
    const auto is_refused = [this](const message& m) { return m.calls_tool && !shared_.rules.permits(m.tool); };
    const auto found = std::ranges::find_if(read.messages, is_refused);
    if (found == read.messages.end()) return request_verdict::forward;
    refusal_ = {200, {}, true};
    std::string& body = refusal_.body;
    for (const auto& m : read.messages) {
        if (m.what != message::kind::request) continue;
        if (!body.empty()) body += ',';
        body += error_message(m.id.of(request_), rpc_error::invalid_params,
                              is_refused(m) ? "Tool not permitted through this tunnel: " + m.tool
                                            : "Not done: the batch calls a tool that is not permitted: " + found->tool);
    }
    // A call that wants no answer gets none.
    if (body.empty())
        refusal_.status = 202;
    else if (read.is_batch)
        body = "[" + body + "]";
    return request_verdict::refuse;
}

void exchange_filter::forget_request() {
    let_go();
    request_ = {};
}

// --- reply -----------------------------------------------------------------------------------------------------------

exchange_filter::reply_plan exchange_filter::plan_reply(const std::vector<wire::field>& fields, bool has_body) {
    plan_ = reply_plan::pass;
    if (!has_body) return plan_;
    bool json = false, events = false, coded = false;
    for (const auto& f : fields) {
        if (iequals(f.name, "Content-Encoding"))
            coded = coded || !is_identity(f.value);
        else if (iequals(f.name, "Content-Type")) {
            events = events || is_event_stream_type(f.value);
            json = json || is_json_type(f.value);
        }
    }
    if (!json && !events) return plan_;
    watches_events_ = events;
    if (filters())
        plan_ = coded ? reply_plan::refuse : events ? reply_plan::events : reply_plan::whole;
    else
        plan_ = coded ? reply_plan::pass : reply_plan::watch;
    return plan_;
}

void exchange_filter::watch_reply(std::string_view bytes) {
    if (watch_lost_) return;
    const auto look = [this](const event_splitter::step& s) {
        if (s.what == event_splitter::piece::event) note_event(s.text);
    };
    if (watches_events_ ? walk_events(bytes, look) : hold_reply(bytes)) return;
    // Nothing depends on it: the next list is looked at again.
    watch_lost_ = true;
    events_.take_rest();
    reply_ = {};
    let_go();
}

void exchange_filter::end_watch() {
    if (!watches_events_ && !watch_lost_) filter_tools(reply_, shared_.rules, &shared_.watch);
    reply_ = {};
    let_go();
}

bool exchange_filter::hold_reply(std::string_view bytes) {
    if (reply_.size() + bytes.size() > filter_state::max_message || !hold(bytes.size())) return false;
    reply_.append(bytes);
    return true;
}

std::string exchange_filter::take_reply() {
    let_go();
    const auto whole_reply = std::exchange(reply_, {});
    return filters() ? filter_tools(whole_reply, shared_.rules, &shared_.watch).text : whole_reply;
}

bool exchange_filter::walk_events(std::string_view bytes,
                                  const std::function<void(const event_splitter::step&)>& take) {
    for (;;) {
        const auto before = events_.held();
        const auto step = events_.next(bytes);
        const auto after = events_.held();
        if (after > before && !hold(after - before)) return false;
        if (after < before) {
            const auto gone = std::min(before - after, held_);
            shared_.held -= gone;
            held_ -= gone;
        }
        if (step.what == event_splitter::piece::need_more) return true;
        if (step.what == event_splitter::piece::too_long) return false;
        take(step);
    }
}

bool exchange_filter::filter_events(std::string_view bytes, std::string& out) {
    return walk_events(bytes, [&](const event_splitter::step& s) {
        if (s.what == event_splitter::piece::event)
            out += filter_event(s.text);
        else
            out.append(s.text);
    });
}

std::string exchange_filter::filter_event(std::string_view lines) {
    const auto event = read_event(lines);
    if (event.name == "endpoint") endpoint_ = event.data;
    auto filtered = filter_tools(event.data, shared_.rules, &shared_.watch);
    return filtered.changed ? replace_data(lines, filtered.text) : std::string(lines);
}

void exchange_filter::note_event(std::string_view lines) {
    if (lines.find("tools") == std::string_view::npos) return;
    filter_tools(read_event(lines).data, shared_.rules, &shared_.watch);
}

bool exchange_filter::hold(std::size_t bytes) {
    if (shared_.held + bytes > filter_state::max_held) return false;
    shared_.held += bytes;
    held_ += bytes;
    return true;
}

void exchange_filter::let_go() {
    shared_.held -= held_;
    held_ = 0;
}

}  // namespace instatunnel::mcp
