#include "exchange.hpp"

#include "instatunnel/base/names.hpp"
#include "upstream_connection.hpp"

// What an MCP tunnel looks into: requests that are held until it is known what they call, replies whose tools are
// filtered or watched. The rules are mcp::exchange_filter's; here is what they mean for the stream and the app.
namespace instatunnel::client {

namespace flag = wire::itp::flag;
using engine::code;
using mcp::exchange_filter;

// --- request ---------------------------------------------------------------------------------------------------------

bool exchange::hold_request(const wire::itp::open_head& open) {
    switch (filter_->start(open.fields, upgrade_, request_ended_)) {
        case exchange_filter::request_verdict::forward:
            return false;
        case exchange_filter::request_verdict::hold:
            request_held_ = true;
            post_path_.assign(open.path);
            // A visitor may be waiting for leave to send the body.
            stream_->accept();
            return true;
        case exchange_filter::request_verdict::refuse:
            answer_refused();
            return true;
    }
    return true;
}

void exchange::hold_data(std::string_view bytes) {
    const auto verdict = filter_->on_request_data(bytes);
    if (verdict == exchange_filter::request_verdict::refuse) return answer_refused();
    stream_->consumed(bytes.size());
    if (verdict != exchange_filter::request_verdict::forward) return;
    // The bytes of this call are not held any more: held_request() has what came before them.
    let_request_go();
}

void exchange::end_held_request() {
    if (filter_->on_request_end() == exchange_filter::request_verdict::refuse) return answer_refused();
    request_chunked_ = false;
    content_length_ = static_cast<std::int64_t>(filter_->held_request().size());
    let_request_go();
}

void exchange::let_request_go() {
    request_held_ = false;
    end_head(content_length_);
    const auto& body = filter_->held_request();
    if (request_chunked_ && !body.empty()) {
        wire::append_chunk_header(pending_, body.size());
        pending_.append(body).append("\r\n");
    } else {
        pending_.append(body);
    }
    filter_->forget_request();
    up_.acquire(*this);
}

void exchange::answer_refused() {
    const auto& refused = filter_->refused();
    status_ = refused.status;
    std::string_view body = refused.body;
    // Callers of the older transport read answers in their event stream, and nothing in the reply to a POST.
    exchange* const listener = refused.for_stream ? up_.event_stream_for(post_path_) : nullptr;
    if (listener != nullptr && !body.empty()) {
        listener->inject_event(body);
        status_ = 202;
        body = {};
    }
    auto& head = up_.reply;
    head.status = static_cast<std::uint16_t>(status_);
    head.content_length = static_cast<std::int64_t>(body.size());
    head.fields.clear();
    if (!body.empty()) head.fields.push_back({"Content-Type", "application/json"});
    request_held_ = false;
    reply_ = reply::done;
    stream_->send_reply(head, body.empty() ? flag::end : std::uint8_t{0});
    if (!body.empty()) {
        stream_->write(body);
        stream_->finish();
    }
    over();
}

// Whole events alone are written to such a stream: this one can stand between any two.
void exchange::inject_event(std::string_view message) {
    stream_->write(mcp::make_event("message", {}, message), /*push=*/true);
}

// --- reply -----------------------------------------------------------------------------------------------------------

bool exchange::looks_into_reply() const noexcept {
    return filter_ != nullptr && reply_ != reply::upgraded && filter_->plan() != exchange_filter::reply_plan::pass;
}

// True: the head is dealt with, and not sent now.
bool exchange::hold_head(const wire::response_head& head) {
    switch (filter_->plan_reply(head.fields, reply_ != reply::done)) {
        case exchange_filter::reply_plan::pass:
        case exchange_filter::reply_plan::watch:
            return false;
        case exchange_filter::reply_plan::events:
            up_.reply.content_length = -1;
            return false;
        case exchange_filter::reply_plan::refuse:
            fail(code::origin_bad_response, "a compressed reply, which the filter of MCP tools cannot read");
            return true;
        case exchange_filter::reply_plan::whole:
            for (const auto& f : up_.reply.fields)
                held_fields_.emplace_back(f.name, f.value);
            return true;
    }
    return true;
}

// False: the exchange is over.
bool exchange::deliver(std::string_view bytes) {
    if (!looks_into_reply()) {
        stream_->write(bytes, push_);
        return true;
    }
    bool readable = true;
    if (filter_->plan() == exchange_filter::reply_plan::whole) {
        readable = filter_->hold_reply(bytes);
    } else if (filter_->plan() == exchange_filter::reply_plan::watch) {
        stream_->write(bytes, push_);
        filter_->watch_reply(bytes);
    } else {
        std::string out;
        const auto known = filter_->endpoint().size();
        readable = filter_->filter_events(bytes, out);
        if (filter_->endpoint().size() != known) up_.add_event_stream(filter_->endpoint(), *this);
        if (!out.empty()) stream_->write(out, /*push=*/true);
    }
    up_.app().report_tool_changes();
    if (!readable) fail(code::origin_bad_response, "a message longer than the filter of MCP tools reads");
    return readable;
}

// False: the exchange is over.
bool exchange::end_filtered_reply() {
    if (!looks_into_reply() || stream_->send_finished()) return true;
    if (filter_->plan() == exchange_filter::reply_plan::watch) {
        filter_->end_watch();
    } else if (filter_->plan() == exchange_filter::reply_plan::whole) {
        const auto body = filter_->take_reply();
        auto& head = up_.reply;
        head.status = static_cast<std::uint16_t>(status_);
        head.content_length = static_cast<std::int64_t>(body.size());
        head.fields.clear();
        for (const auto& [name, value] : held_fields_)
            head.fields.push_back({name, value});
        stream_->send_reply(head, 0);
        if (stream_->is_dead()) {
            status_ = 502;
            over();
            return false;
        }
        stream_->write(body);
    }
    up_.app().report_tool_changes();
    return true;
}

}  // namespace instatunnel::client
