#include "stdio_origin.hpp"

#include <algorithm>

#include "instatunnel/base/log.hpp"
#include "instatunnel/base/random.hpp"

namespace instatunnel::client {

namespace rpc = mcp::rpc_error;

stdio_origin::stdio_origin(net::event_loop& loop, const tunnel_options& options, tunnel_events& events)
    : loop_(loop), options_(options), events_(events) {
    sweep_.emplace(
        loop, [](void* self) { static_cast<stdio_origin*>(self)->sweep(); }, this);
    again_.emplace(
        loop, [](void* self) { static_cast<stdio_origin*>(self)->start_shared_again(); }, this);
    sweep_->arm(sweep_every);
}

void stdio_origin::let_go_of_loop() noexcept {
    for (const auto& e : exchanges_)
        e->let_go_of_loop();
    sweep_.reset();
    again_.reset();
    // All are told before the first is waited for.
    for (auto& [id, server] : servers_)
        server->hurry();
    if (shared_.server != nullptr) shared_.server->hurry();
    nobody_.reset();
    sessions_.clear();
    servers_.clear();
    old_servers_.clear();
    shared_.server.reset();
}

void stdio_origin::serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) {
    if (spare_.empty()) {
        exchanges_.push_back(std::make_unique<stdio_exchange>(*this));
        spare_.push_back(exchanges_.back().get());
    }
    auto* const e = spare_.back();
    spare_.pop_back();
    e->start(s, open, flags);
}

bool stdio_origin::hold(std::size_t bytes) {
    if (held_ + bytes > max_held) return false;
    held_ += bytes;
    return true;
}

void stdio_origin::report(const request_info& info) {
    ++served_;
    events_.on_request(info);
    loop_.defer(*this);
}

// --- processes -------------------------------------------------------------------------------------------------------

bool stdio_origin::start(stdio_server& server, stdio_exchange* e) {
    if (loop_.now() < not_before_) {
        if (e != nullptr)
            e->refuse(503, rpc::internal, "The MCP server has ended (" + last_end_ + ") and is not started again yet");
        return false;
    }
    const auto started = server.start(options_.mcp_command);
    if (started) return true;
    events_.on_notice(started.error());
    if (e != nullptr) e->refuse(503, rpc::internal, "The MCP server cannot be started");
    return false;
}

stdio_server* stdio_origin::take_server(stdio_exchange& e) {
    if (shared_.server == nullptr)
        shared_.server = std::make_unique<stdio_server>(loop_, static_cast<stdio_server_events&>(*this));
    if (shared_.server->is_running() || start_shared(&e)) return shared_.server.get();
    return nullptr;
}

void stdio_origin::on_server_gone(stdio_server& server, const std::string& why) {
    const bool was_stable = server.has_answered() && loop_.now() - server.started_at() >= stable_after;
    wait_ = was_stable ? shortest_wait : std::clamp(wait_ * 2, shortest_wait, longest_wait);
    not_before_ = loop_.now() + wait_;
    last_end_ = why;
    events_.on_notice(
        {errc::target_unreachable, "The MCP server has ended (" + why + ")", "It is started again when it is called"});
    if (&server == shared_.server.get()) {
        // Sessions know nothing of the process behind them.
        if (!shared_.greeting.empty()) again_->arm(wait_);
        return;
    }
    const auto found = std::ranges::find_if(servers_, [&](const auto& s) { return s.second.get() == &server; });
    if (found != servers_.end()) drop_session(std::string(found->first));
}

// A new process is greeted as the one before was.
bool stdio_origin::start_shared(stdio_exchange* e) {
    if (!start(*shared_.server, e)) return false;
    const auto read = mcp::read_messages(shared_.greeting);
    if (shared_.answer.empty() || !read.good()) return true;
    shared_.server->call_quietly(shared_.greeting, read.messages.front());
    shared_.server->respond(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
    return true;
}

void stdio_origin::start_shared_again() {
    if (!shared_.server->is_running() && !start_shared(nullptr)) again_->arm(longest_wait);
}

// --- sessions --------------------------------------------------------------------------------------------------------

std::string stdio_origin::filter(std::string message) {
    auto filtered = mcp::filter_tools(message, options_.mcp_tools, &watch_);
    for (const auto& change : watch_.take_changes())
        events_.on_tool_changed(change);
    return std::move(filtered.text);
}

stdio_session* stdio_origin::find_session(const std::string& id) {
    const auto found = sessions_.find(id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

stdio_session* stdio_origin::session_without_id(stdio_exchange& e) {
    auto* const server = take_server(e);
    if (server == nullptr) return nullptr;
    if (nobody_ == nullptr)
        nobody_ = std::make_unique<stdio_session>(std::string(), *server,
                                                  [this](std::string m) { return filter(std::move(m)); });
    return nobody_.get();
}

stdio_session* stdio_origin::open_session(stdio_exchange& e) {
    if (sessions_.size() >= options_.mcp_max_sessions) {
        e.refuse(503, rpc::server, "There are as many sessions as this server may have");
        return nullptr;
    }
    auto id = random_base62(32);
    stdio_server* server = nullptr;
    if (options_.mcp_shared) {
        server = take_server(e);
    } else {
        auto own = std::make_unique<stdio_server>(loop_, static_cast<stdio_server_events&>(*this));
        if (start(*own, &e)) server = servers_.emplace(id, std::move(own)).first->second.get();
    }
    if (server == nullptr) return nullptr;
    auto session = std::make_unique<stdio_session>(id, *server, [this](std::string m) { return filter(std::move(m)); });
    session->touch(loop_.now());
    return sessions_.emplace(std::move(id), std::move(session)).first->second.get();
}

void stdio_origin::begin_session(stdio_session& session, std::uint64_t stream, std::string_view text,
                                 const mcp::message& m) {
    if (options_.mcp_shared) return greet_shared(session, stream, text, m);
    session.on_initialized = [this, id = session.id()](const std::string& message) {
        if (mcp::find_member(message, mcp::whole(message), "error")) drop_session(id);
    };
    session.server().call(session, stream, text, m);
}

// One process can be greeted once: later callers hear what the first one heard.
void stdio_origin::greet_shared(stdio_session& session, std::uint64_t stream, std::string_view text,
                                const mcp::message& m) {
    const shared_server::caller caller{session.id(), stream, std::string(m.id.of(text))};
    if (!shared_.answer.empty()) return answer_from_memory(caller);
    if (!shared_.greeting.empty() && shared_.server->waiting() != 0) {
        shared_.waiting.push_back(caller);
        return;
    }
    shared_.greeting.assign(text);
    session.on_initialized = [this](const std::string& message) { on_shared_answer(message); };
    session.server().call(session, stream, text, m);
}

void stdio_origin::on_shared_answer(const std::string& message) {
    const bool is_error = mcp::find_member(message, mcp::whole(message), "error").has_value();
    if (is_error)
        shared_.greeting.clear();
    else
        shared_.answer = message;
    for (const auto& caller : std::exchange(shared_.waiting, {})) {
        if (!is_error) {
            answer_from_memory(caller);
        } else if (auto* const session = find_session(caller.session)) {
            session->deliver(caller.stream,
                             mcp::error_message(caller.id, rpc::internal, "The MCP server did not begin"),
                             /*is_answer=*/true);
        }
    }
}

void stdio_origin::answer_from_memory(const shared_server::caller& to) {
    auto* const session = find_session(to.session);
    const auto id = mcp::find_member(shared_.answer, mcp::whole(shared_.answer), "id");
    if (session != nullptr && id)
        session->deliver(to.stream, mcp::with_value(shared_.answer, *id, to.id), /*is_answer=*/true);
}

void stdio_origin::pass_on(stdio_session& session, std::uint64_t stream, std::string_view text, const mcp::message& m) {
    auto& server = session.server();
    switch (m.what) {
        case mcp::message::kind::request:
            if (m.calls_tool && !options_.mcp_tools.permits(m.tool))
                return session.deliver(stream,
                                       mcp::error_message(m.id.of(text), rpc::invalid_params,
                                                          "Tool not permitted through this tunnel: " + m.tool),
                                       /*is_answer=*/true);
            if (!server.is_running())
                return session.deliver(
                    stream,
                    mcp::error_message(m.id.of(text), rpc::internal,
                                       "The MCP server has ended (" + last_end_ + ") and is not started again yet"),
                    /*is_answer=*/true);
            return server.call(session, stream, text, m);
        case mcp::message::kind::notification:
            if (m.calls_tool && !options_.mcp_tools.permits(m.tool)) return;
            if (options_.mcp_shared && m.method == "notifications/initialized" &&
                std::exchange(shared_.told_initialized, true))
                return;
            return server.notify(session, text, m);
        case mcp::message::kind::response:
            if (session.take_asked(m.id.of(text))) server.respond(text);
            return;
    }
}

std::vector<stdio_session*> stdio_origin::sessions_for(stdio_server& server, bool wants_answer) {
    std::vector<stdio_session*> all;
    if (&server != shared_.server.get()) {
        for (const auto& [id, session] : sessions_)
            if (&session->server() == &server) all.push_back(session.get());
        return all;
    }
    if (options_.mcp_shared)
        for (const auto& [id, session] : sessions_)
            all.push_back(session.get());
    if (!wants_answer && !all.empty()) return all;
    if (auto* const caller = server.newest_caller()) return {caller};
    if (all.size() != 1) all.clear();
    return all;
}

void stdio_origin::close_session(stdio_session& session) {
    drop_session(std::string(session.id()));
}

void stdio_origin::drop_session(const std::string& id) {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return;
    const auto session = std::move(found->second);
    sessions_.erase(found);
    session->server().forget(*session);
    session->close();
    const auto own = servers_.find(id);
    if (own == servers_.end()) return;
    own->second->stop();
    old_servers_.push_back(std::move(own->second));
    servers_.erase(own);
}

void stdio_origin::sweep() {
    sweep_->arm(sweep_every);
    old_servers_.clear();
    for (const auto& e : exchanges_)
        e->keep_alive();
    std::vector<std::string> idle;
    for (const auto& [id, session] : sessions_) {
        if (session->has_streams()) session->touch(loop_.now());
        if (loop_.now() - session->used() >= options_.mcp_session_idle) idle.push_back(id);
    }
    for (const auto& id : idle) {
        log::info("mcp.session_idle").with("sessions", sessions_.size());
        drop_session(id);
    }
}

}  // namespace instatunnel::client
