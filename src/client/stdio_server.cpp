#include "stdio_server.hpp"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <utility>

#include "instatunnel/base/log.hpp"
#include "stdio_session.hpp"

namespace instatunnel::client {
namespace {

using mcp::find_member;
using mcp::text_span;

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::string_view unquoted(std::string_view raw) {
    const bool is_text = raw.size() >= 2 && raw.front() == '"';
    return is_text ? raw.substr(1, raw.size() - 2) : raw;
}

std::optional<text_span> find_path(std::string_view text, text_span object,
                                   std::initializer_list<std::string_view> keys) {
    std::optional<text_span> at = object;
    for (const auto key : keys)
        if (at) at = find_member(text, *at, key);
    return at;
}

// A line is a message: line ends between its parts would make two of it.
std::string one_line(std::string_view text) {
    std::string line(text);
    std::ranges::replace_if(
        line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return line;
}

struct replacement {
    text_span where;
    std::string with;
};

std::string replace_all(std::string_view text, std::vector<replacement> parts) {
    // From the end, so that what is not replaced yet stays where it is.
    std::ranges::sort(parts, std::ranges::greater(), [](const replacement& r) { return r.where.begin; });
    std::string out(text);
    for (const auto& r : parts)
        out = mcp::with_value(out, r.where, r.with);
    return out;
}

}  // namespace

outcome<void> stdio_server::start(const std::vector<std::string>& command) {
    auto child = child_process::start(loop_, command, *this);
    if (!child) return child.error();
    child_ = std::move(*child);
    started_at_ = loop_.now();
    has_answered_ = false;
    log::debug("mcp.started").with("pid", static_cast<int>(child_->pid()));
    return {};
}

void stdio_server::stop() {
    waiting_.clear();
    child_process::end(std::move(child_));
}

void stdio_server::hurry() noexcept {
    if (child_ != nullptr) child_->hurry();
}

void stdio_server::call(stdio_session& session, std::uint64_t stream, std::string_view text, const mcp::message& m) {
    const auto number = ++last_number_;
    waiting_call w{&session, stream, std::string(m.id.of(text)), {}, m.method};
    std::vector<replacement> parts{{m.id, std::to_string(number)}};
    if (m.params.size != 0)
        if (const auto token = find_path(text, m.params, {"_meta", "progressToken"})) {
            w.token = token->of(text);
            parts.push_back({*token, std::to_string(number)});
        }
    waiting_.emplace(number, std::move(w));
    if (child_ != nullptr && child_->write_line(one_line(replace_all(text, std::move(parts))))) return;
    const auto lost = std::move(waiting_.extract(number).mapped());
    session.deliver(stream,
                    mcp::error_message(lost.id, mcp::rpc_error::internal, "The MCP server does not read its input"),
                    /*is_answer=*/true);
}

void stdio_server::call_quietly(std::string_view text, const mcp::message& m) {
    const auto number = ++last_number_;
    waiting_.emplace(number, waiting_call{nullptr, 0, {}, {}, m.method});
    if (child_ != nullptr) child_->write_line(one_line(mcp::with_value(text, m.id, std::to_string(number))));
}

void stdio_server::notify(stdio_session& session, std::string_view text, const mcp::message& m) {
    if (child_ == nullptr) return;
    std::string line(text);
    if (m.method == "notifications/cancelled" && m.params.size != 0) {
        const auto named = find_member(text, m.params, "requestId");
        const auto found = std::ranges::find_if(waiting_, [&](const auto& w) {
            return w.second.session == &session && named && w.second.id == named->of(text);
        });
        if (found == waiting_.end()) return;  // answered by now
        line = mcp::with_value(text, *named, std::to_string(found->first));
    }
    child_->write_line(one_line(line));
}

void stdio_server::respond(std::string_view text) {
    if (child_ != nullptr) child_->write_line(one_line(text));
}

void stdio_server::forget(stdio_session& session, const std::uint64_t* stream) {
    for (auto w = waiting_.begin(); w != waiting_.end();) {
        if (w->second.session != &session || (stream != nullptr && w->second.stream != *stream)) {
            ++w;
            continue;
        }
        if (child_ != nullptr && w->second.method != "initialize")
            child_->write_line(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" +
                               std::to_string(w->first) + R"(,"reason":"the caller has gone"}})");
        w = waiting_.erase(w);
    }
}

stdio_session* stdio_server::newest_caller() const noexcept {
    for (auto w = waiting_.rbegin(); w != waiting_.rend(); ++w)
        if (w->second.session != nullptr) return w->second.session;
    return nullptr;
}

void stdio_server::on_child_line(std::string_view line) {
    if (!mcp::is_json(line)) {
        // Programs that print elsewhere than to stderr are many; none of it is for callers.
        if (!std::exchange(noise_told_, true)) log::warn("mcp.not_json").with("bytes", line.size());
        return;
    }
    const auto top = mcp::whole(line);
    if (line[top.begin] == '{') return hear(top.of(line));
    std::vector<std::string> messages;  // of a batch: hearing one may end us
    mcp::for_each_element(line, top, [&](text_span m) {
        messages.emplace_back(m.of(line));
        return true;
    });
    for (const auto& m : messages)
        hear(m);
}

void stdio_server::hear(std::string_view object) {
    const auto id = find_member(object, mcp::whole(object), "id");
    if (find_member(object, mcp::whole(object), "method"))
        hear_own(object, id ? &*id : nullptr);
    else if (id)
        hear_answer(object, *id);
}

void stdio_server::hear_answer(std::string_view text, text_span id) {
    const auto number = number_of(id.of(text));
    const auto found = number ? waiting_.find(*number) : waiting_.end();
    if (found == waiting_.end()) return;  // nobody waits any more
    const auto w = std::move(found->second);
    waiting_.erase(found);
    has_answered_ = true;
    if (w.session != nullptr) w.session->hear_answer(w.stream, w.method, mcp::with_value(text, id, w.id));
}

void stdio_server::hear_own(std::string_view text, const text_span* id) {
    // What belongs to a call says so with a number of ours: progress by its token, a subscription by the call's id.
    const auto token = find_path(text, mcp::whole(text), {"params", "progressToken"});
    const auto call = find_path(text, mcp::whole(text), {"params", "_meta", "io.modelcontextprotocol/subscriptionId"});
    if (token || call) {
        const auto& mark = token ? *token : *call;
        const auto number = number_of(unquoted(mark.of(text)));
        const auto found = number ? waiting_.find(*number) : waiting_.end();
        if (found == waiting_.end() || found->second.session == nullptr) return;
        const auto& w = found->second;
        const auto& theirs = token ? w.token : w.id;
        if (theirs.empty()) return;
        return w.session->deliver(w.stream, mcp::with_value(text, mark, theirs), /*is_answer=*/false);
    }
    const std::string named(id != nullptr ? id->of(text) : std::string_view());
    const auto sessions = events_.sessions_for(*this, id != nullptr);
    for (auto* const session : sessions)
        session->deliver_unasked(std::string(text), named);
    if (sessions.empty() && id != nullptr)
        respond(mcp::error_message(named, mcp::rpc_error::server, "No caller is there to answer"));
}

void stdio_server::fail_waiting(std::string_view why) {
    const auto lost = std::exchange(waiting_, {});
    for (const auto& [number, w] : lost)
        if (w.session != nullptr)
            w.session->deliver(w.stream, mcp::error_message(w.id, mcp::rpc_error::internal, why), /*is_answer=*/true);
}

void stdio_server::on_child_gone(const std::string& why) {
    child_process::end(std::move(child_));
    fail_waiting("The MCP server has ended (" + why + ")");
    events_.on_server_gone(*this, why);
}

}  // namespace instatunnel::client
