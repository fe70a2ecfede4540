#include "stdio_exchange.hpp"

#include <algorithm>
#include <utility>

#include "instatunnel/base/names.hpp"
#include "instatunnel/mcp/event_stream.hpp"
#include "stdio_origin.hpp"

namespace instatunnel::client {

namespace flag = wire::itp::flag;
namespace rpc = mcp::rpc_error;
using engine::code;

namespace {

constexpr std::string_view resumable_since = "2025-11-25";  // empty events mark the beginning of a stream
constexpr std::string_view stateless_since = "2026-07-28";
// A caller that waits longer for a head than for events may give up; one that gets an answer at once gets it in JSON.
constexpr std::chrono::milliseconds head_patience{2'000};
constexpr std::size_t max_unsent = 8 * 1024 * 1024;

std::string_view field_of(const wire::itp::open_head& open, std::string_view name) {
    for (const auto& f : open.fields)
        if (iequals(f.name, name)) return f.value;
    return {};
}

bool is_known_revision_form(std::string_view text) {
    const auto fits = [&](std::size_t i) {
        return i == 4 || i == 7 ? text[i] == '-' : text[i] >= '0' && text[i] <= '9';
    };
    if (text.size() != 10) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (!fits(i)) return false;
    return true;
}

// Each message of a batch goes its own way: nothing of the others may go with it.
std::vector<std::string> messages_of(std::string_view body) {
    const auto top = mcp::whole(body);
    if (body[top.begin] != '[') return {std::string(top.of(body))};
    std::vector<std::string> all;
    mcp::for_each_element(body, top, [&](mcp::text_span m) {
        all.emplace_back(m.of(body));
        return true;
    });
    return all;
}

// What 2026-07-28 asks of the status of an error (Streamable HTTP, Protocol Version Header).
int status_for(std::string_view message) {
    const auto error = mcp::find_member(message, mcp::whole(message), "error");
    const auto number = error ? mcp::find_member(message, *error, "code") : std::nullopt;
    if (!number) return 200;
    const auto text = number->of(message);
    if (text == "-32601") return 404;
    return text == "-32020" || text == "-32021" || text == "-32022" ? 400 : 200;
}

}  // namespace

stdio_exchange::stdio_exchange(stdio_origin& origin) : origin_(origin) {
    late_.emplace(
        origin.loop(), [](void* self) { static_cast<stdio_exchange*>(self)->begin_events(); }, this);
}

void stdio_exchange::start(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    stream_ = &s;
    s.set_events(*this);
    session_ = nullptr;
    started_ = origin_.loop().now();
    method_.assign(open.method);
    path_.assign(open.path.substr(0, open.path.find('?')));
    session_id_.assign(field_of(open, "Mcp-Session-Id"));
    revision_.assign(trim(field_of(open, "MCP-Protocol-Version")));
    last_event_.assign(field_of(open, "Last-Event-ID"));
    media_type_ = to_lower(field_of(open, "Content-Type"));
    const auto accept = to_lower(field_of(open, "Accept"));
    const bool any = accept.empty() || accept.find("*/*") != std::string::npos;
    wants_events_ = accept.find("text/event-stream") != std::string::npos;
    takes_json_ = any || accept.find("application/json") != std::string::npos;
    body_.clear();
    given_id_.clear();
    number_ = 0;
    status_ = 0;
    events_ = is_initialize_ = false;
    s.accept();
    if ((flags & flag::end) != 0) answer();
}

void stdio_exchange::on_data(engine::stream& s, std::string_view bytes) {
    s.consumed(bytes.size());
    if (status_ != 0) return;
    if (body_.size() + bytes.size() > child_process::max_line || !origin_.hold(bytes.size())) {
        refuse(413, rpc::invalid_request, "The message is too long");
        return;
    }
    body_.append(bytes);
}

void stdio_exchange::on_end(engine::stream&) {
    if (status_ == 0 && session_ == nullptr) answer();
}

void stdio_exchange::answer() {
    if (path_ != "/mcp" && path_ != "/mcp/" && path_ != "/")
        return refuse(404, rpc::invalid_request, "The MCP server is at /mcp");
    if (!revision_.empty() && !is_known_revision_form(revision_))
        return refuse(400, rpc::invalid_request, "MCP-Protocol-Version names no revision");
    if (method_ == "POST") return answer_post();
    if (method_ == "GET") return answer_get();
    if (method_ == "DELETE") return answer_delete();
    refuse(405, rpc::invalid_request, "Only POST, GET and DELETE work here");
}

/// Null: it has been answered.
stdio_session* stdio_exchange::find_session(bool without_is_possible) {
    if (speaks_at_least(stateless_since)) {
        if (without_is_possible) return origin_.session_without_id(*this);
        refuse(405, rpc::invalid_request, "This revision has POST alone");
        return nullptr;
    }
    if (session_id_.empty()) {
        refuse(400, rpc::server, "There is no Mcp-Session-Id: a session begins with initialize");
        return nullptr;
    }
    auto* const found = origin_.find_session(session_id_);
    if (found == nullptr) refuse(404, rpc::server, "There is no such session (any more): begin with initialize");
    return found;
}

void stdio_exchange::answer_post() {
    if (media_type_.find("application/json") == std::string::npos)
        return refuse(415, rpc::invalid_request, "Messages are application/json");
    if (!wants_events_ && !takes_json_)
        return refuse(406, rpc::invalid_request, "Accept must name application/json and text/event-stream");
    const auto read = mcp::read_messages(body_);
    if (!read.good()) {
        const bool parses = mcp::is_json(body_);
        return refuse(400, parses ? rpc::invalid_request : rpc::parse, read.fault);
    }
    const auto is_first = [](const mcp::message& m) {
        return m.what == mcp::message::kind::request && m.method == "initialize";
    };
    if (std::ranges::any_of(read.messages, is_first)) return initialize(read);
    const auto calls = static_cast<std::size_t>(std::ranges::count_if(
        read.messages, [](const mcp::message& m) { return m.what == mcp::message::kind::request; }));
    if (calls > 1 && !wants_events_)
        return refuse(406, rpc::invalid_request, "The answers to several calls come as events");
    auto* const session = find_session(/*without_is_possible=*/true);
    if (session == nullptr) return;
    session->touch(origin_.loop().now());
    if (calls != 0) {
        take(*session);
        number_ = session->open_stream(*this, calls);
        // A stream that can be gone on with needs an event to go on from, before anything breaks.
        const bool waits_with_head = speaks_at_least(stateless_since) || !wants_events_;
        if (!waits_with_head) begin_events();
        if (!waits_with_head && speaks_at_least(resumable_since)) send_event(session->mark(number_), {});
        if (waits_with_head && wants_events_) late_->arm(head_patience);
    }
    // Each of these may end us, with the last answer: what is still needed is ours alone.
    const auto body = std::exchange(body_, {});
    const auto number = number_;
    if (calls == 0) answer_json(202, {});
    for (const auto& text : messages_of(body)) {
        const auto one = mcp::read_messages(text);
        if (one.good()) origin_.pass_on(*session, number, text, one.messages.front());
    }
    origin_.let_go(body.size());
}

void stdio_exchange::initialize(const mcp::reading& read) {
    if (read.messages.size() != 1) return refuse(400, rpc::invalid_request, "initialize comes alone");
    if (!session_id_.empty()) return refuse(400, rpc::invalid_request, "This session is initialized");
    auto* const session = origin_.open_session(*this);
    if (session == nullptr) return;
    is_initialize_ = true;
    given_id_ = session->id();
    take(*session);
    number_ = session->open_stream(*this, 1);
    if (wants_events_) late_->arm(head_patience);
    const auto body = std::exchange(body_, {});
    const auto text = messages_of(body).front();
    const auto one = mcp::read_messages(text);
    if (one.good()) origin_.begin_session(*session, number_, text, one.messages.front());
    origin_.let_go(body.size());
}

void stdio_exchange::answer_get() {
    if (!wants_events_) return refuse(406, rpc::invalid_request, "Accept must name text/event-stream");
    auto* const session = find_session(/*without_is_possible=*/false);
    if (session == nullptr) return;
    session->touch(origin_.loop().now());
    take(*session);
    if (last_event_.empty()) {
        begin_events();
        if (speaks_at_least(resumable_since)) send_event(session->mark(0), {});
        session->listen(*this);
    } else if (!session->resume(*this, last_event_)) {
        refuse(400, rpc::server, "What came after that event is not kept any more");
    }
}

void stdio_exchange::answer_delete() {
    auto* const session = find_session(/*without_is_possible=*/false);
    if (session == nullptr) return;
    answer_json(204, {});
    origin_.close_session(*session);
}

void stdio_exchange::take(stdio_session& session) {
    session_ = &session;
}

// --- reply -----------------------------------------------------------------------------------------------------------

void stdio_exchange::send_head(int status, std::string_view type, std::int64_t length, bool ends) {
    if (late_) late_->cancel();
    status_ = status;
    wire::itp::reply_head head;
    head.status = static_cast<std::uint16_t>(status);
    head.content_length = length;
    if (!type.empty()) head.fields.push_back({"Content-Type", type});
    head.fields.push_back({"Cache-Control", "no-cache, no-transform"});
    if (events_) head.fields.push_back({"X-Accel-Buffering", "no"});
    if (!given_id_.empty()) head.fields.push_back({"Mcp-Session-Id", given_id_});
    if (status == 405)
        head.fields.push_back({"Allow", speaks_at_least(stateless_since) ? "POST" : "POST, GET, DELETE"});
    if (status == 503) head.fields.push_back({"Retry-After", "5"});
    stream_->send_reply(head, ends ? flag::end : std::uint8_t{0});
}

void stdio_exchange::begin_events() {
    if (stream_ == nullptr || status_ != 0) return;
    events_ = true;
    send_head(200, "text/event-stream", -1, /*ends=*/false);
}

void stdio_exchange::send_event(const std::string& id, const std::string& message) {
    if (stream_ == nullptr) return;
    if (!wants_events_) return;  // it gets the answers alone
    begin_events();
    // A caller that does not read goes on from where it stood, if it comes back.
    if (stream_->queued() > max_unsent) {
        stream_->reset(code::cancelled, "the caller does not read");
        return over();
    }
    stream_->write(mcp::make_event(message.empty() ? std::string_view() : "message", id, message), /*push=*/true);
}

void stdio_exchange::send_last(const std::string& id, const std::string& message) {
    if (stream_ == nullptr) return;
    // A session that could not begin is none.
    if (is_initialize_ && mcp::find_member(message, mcp::whole(message), "error")) given_id_.clear();
    if (events_) {
        send_event(id, message);
        return finish();
    }
    answer_json(speaks_at_least(stateless_since) ? status_for(message) : 200, message);
}

void stdio_exchange::finish() {
    if (stream_ == nullptr) return;
    if (status_ == 0) begin_events();
    session_ = nullptr;
    stream_->finish();
    over();
}

void stdio_exchange::keep_alive() {
    if (stream_ != nullptr && events_ && stream_->queued() == 0) stream_->write(": still here\n\n", /*push=*/true);
}

void stdio_exchange::answer_json(int status, std::string_view body) {
    send_head(status, body.empty() ? "" : "application/json",
              status == 204 ? -1 : static_cast<std::int64_t>(body.size()), body.empty());
    if (!body.empty()) {
        stream_->write(body, /*push=*/true);
        stream_->finish();
    }
    over();
}

void stdio_exchange::refuse(int status, int number, std::string_view why, std::string_view id) {
    given_id_.clear();
    if (stream_ != nullptr) answer_json(status, mcp::error_message(id, number, why));
}

void stdio_exchange::on_reset(engine::stream&, code, std::string_view) {
    over();
}

void stdio_exchange::on_stop(engine::stream&) {
    stream_->reset(code::cancelled, {});
    over();
}

void stdio_exchange::over() {
    engine::stream* const s = std::exchange(stream_, nullptr);
    if (late_) late_->cancel();
    request_info info;
    info.method = method_;
    info.path = path_;
    info.status = status_;
    info.bytes = s->bytes_sent() + s->queued();
    info.took = std::chrono::duration_cast<std::chrono::milliseconds>(origin_.loop().now() - started_);
    if (!body_.empty()) origin_.let_go(body_.size());
    body_ = {};
    s->release();
    auto* const session = std::exchange(session_, nullptr);
    origin_.report(info);
    if (session != nullptr) session->detach(*this);
    origin_.give(*this);
}

}  // namespace instatunnel::client
