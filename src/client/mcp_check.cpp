#include "instatunnel/client/mcp_check.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "instatunnel/base/names.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/mcp/event_stream.hpp"
#include "local_call.hpp"

namespace instatunnel::client {
namespace {

using nlohmann::json;
using clock = local_call::clock;

constexpr const char* newest_with_handshake = "2025-11-25";
constexpr const char* newest = "2026-07-28";
constexpr const char* stream_paths[] = {"/mcp", "/", "/mcp/", "/api/mcp", "/v1/mcp"};
constexpr const char* sse_paths[] = {"/sse", "/mcp/sse", "/mcp", "/events"};
constexpr std::size_t max_reply = 4 * 1024 * 1024;
constexpr int max_pages = 50;
constexpr const char* meta = "io.modelcontextprotocol/";

json request(int id, const std::string& method, json params = json::object()) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

json client_info() {
    return {{"name", "instatunnel"}, {"version", std::string(version())}};
}

std::string text_of(const json& object, const char* name) {
    const auto found = object.is_object() ? object.find(name) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>()
                                                                             : std::string();
}

const json& part(const json& object, const char* name) {
    static const json nothing;
    if (!object.is_object()) return nothing;
    const auto found = object.find(name);
    return found == object.end() ? nothing : *found;
}

struct answer {
    int status = 0;
    bool is_there = false;  ///< a JSON-RPC message came
    json message;
    std::string session;
    bool timed_out = false;
    bool unreachable = false;
};

class mcp_checker {
public:
    mcp_checker(const target& to, std::string host, clock::time_point deadline)
        : to_(to), host_(std::move(host)), deadline_(deadline) {}

    mcp_finding run() {
        // Whatever else it is, something must answer.
        local_call probe(deadline_);
        if (!probe.connect(to_)) return found_;
        found_.what = mcp_finding::state::not_mcp;
        for (const char* path : stream_paths)
            if (try_stream(path)) return found_;
        for (const char* path : sse_paths)
            if (try_sse(path)) return found_;
        return found_;
    }

private:
    std::string head(const std::string& method, const std::string& path, const std::string& more) const {
        return method + " " + path + " HTTP/1.1\r\nHost: " + host_ + "\r\nUser-Agent: instatunnel/" +
               std::string(version()) + "\r\nConnection: close\r\n" + more;
    }

    answer post(const std::string& path, const json& message, const std::string& more) {
        const auto body = message.dump();
        answer a;
        local_call call(deadline_);
        if (!call.connect(to_)) {
            a.unreachable = true;
            return a;
        }
        const auto asked = call.ask(head("POST", path,
                                         "Content-Type: application/json\r\nAccept: application/json, "
                                         "text/event-stream\r\n" +
                                             more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n") +
                                        body,
                                    "POST");
        if (!asked) {
            a.timed_out = asked.error().code == errc::target_timeout;
            return a;
        }
        a.status = call.status();
        a.session = std::string(call.field("Mcp-Session-Id"));
        read_message(call, message.value("id", 0), a);
        return a;
    }

    // In a stream our answer may come behind notifications.
    static void read_message(local_call& call, int id, answer& a) {
        if (to_lower(call.field("Content-Type")).starts_with("text/event-stream")) {
            mcp::event_splitter events(max_reply);
            read_events(call, events, a, [&](const mcp::stream_event& e) {
                auto message = json::parse(e.data, nullptr, /*allow_exceptions=*/false);
                if (part(message, "id") != json(id)) return false;
                a.message = std::move(message);
                a.is_there = true;
                return true;
            });
            return;
        }
        const auto body = call.read_all(max_reply);
        if (!body) {
            a.timed_out = true;
            return;
        }
        a.message = json::parse(*body, nullptr, /*allow_exceptions=*/false);
        a.is_there = a.message.is_object() && a.message.contains("jsonrpc");
    }

    /// Until `take` is satisfied or the stream ends.
    template <class Take>
    static void read_events(local_call& call, mcp::event_splitter& events, answer& a, Take take) {
        for (;;) {
            const auto piece = call.read_some();
            a.timed_out = !piece;
            if (!piece || piece->empty()) return;
            std::string_view input = *piece;
            for (;;) {
                const auto step = events.next(input);
                if (step.what == mcp::event_splitter::piece::too_long) return;
                if (step.what == mcp::event_splitter::piece::need_more) break;
                if (step.what == mcp::event_splitter::piece::event && take(mcp::read_event(step.text))) return;
            }
        }
    }

    // --- Streamable HTTP ---------------------------------------------------------------------------------------------

    bool try_stream(const std::string& path) {
        const auto opened = post(path, request(1, "initialize", initialize_params()), {});
        if (settles_it(opened, path)) return true;
        if (opened.status == 0) return false;
        const auto& result = part(opened.message, "result");
        if (!text_of(result, "protocolVersion").empty()) {
            note_server(result, path);
            session_ = "MCP-Protocol-Version: " + found_.revision + "\r\n";
            if (!opened.session.empty()) session_ += "Mcp-Session-Id: " + opened.session + "\r\n";
            post(path, {{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}, session_);
            count_tools([&](const json& m) { return post(path, m, session_); }, json::object());
            if (!opened.session.empty()) end_session(path);
            answer heard;
            if (const auto versions = discover(path, heard); !versions.empty()) note_versions(versions);
            return true;
        }
        // From 2026-07-28 on there is no handshake; such a server refuses ours with 400 or an error in JSON-RPC.
        const bool may_be_newer = opened.is_there || opened.status == 400 || opened.status == 404;
        return may_be_newer && (path == stream_paths[0] || opened.is_there) && try_without_handshake(path);
    }

    static json about_us() {
        return {{"_meta",
                 {{std::string(meta) + "protocolVersion", newest},
                  {std::string(meta) + "clientInfo", client_info()},
                  {std::string(meta) + "clientCapabilities", json::object()}}}};
    }

    answer ask_without_handshake(const std::string& path, const json& m) {
        return post(
            path, m,
            std::string("MCP-Protocol-Version: ") + newest + "\r\nMcp-Method: " + text_of(m, "method") + "\r\n");
    }

    /// The versions that it says it knows; none: it is an older one.
    std::vector<std::string> discover(const std::string& path, answer& heard) {
        heard = ask_without_handshake(path, request(1, "server/discover", about_us()));
        std::vector<std::string> versions;
        const auto& listed = part(part(heard.message, "result"), "supportedVersions");
        if (listed.is_array())
            for (const auto& v : listed)
                if (v.is_string()) versions.push_back(v.get<std::string>());
        return versions;
    }

    bool try_without_handshake(const std::string& path) {
        answer heard;
        const auto versions = discover(path, heard);
        if (versions.empty()) return false;
        const auto& result = part(heard.message, "result");
        note_server(result, path);
        const auto& info = part(part(result, "_meta"), (std::string(meta) + "serverInfo").c_str());
        found_.name = text_of(info, "name");
        found_.version = text_of(info, "version");
        found_.revision = versions.front();
        note_versions(versions);
        count_tools([&](const json& m) { return ask_without_handshake(path, m); }, about_us());
        return true;
    }

    /// Among those that we know the newest comes first.
    void note_versions(std::vector<std::string> versions) {
        versions.push_back(found_.revision);
        std::ranges::sort(versions, std::ranges::greater());
        versions.erase(std::unique(versions.begin(), versions.end()), versions.end());
        const auto best = std::ranges::find_if(versions, [](const auto& v) { return v <= newest; });
        if (best != versions.end()) found_.revision = *best;
        std::erase(versions, found_.revision);
        found_.other_revisions = std::move(versions);
    }

    static json initialize_params() {
        return {{"protocolVersion", newest_with_handshake},
                {"capabilities", json::object()},
                {"clientInfo", client_info()}};
    }

    /// Answers after which looking further makes no sense.
    bool settles_it(const answer& a, const std::string& path) {
        if (a.status == 401 || (a.status == 403 && !a.is_there)) {
            found_.what = a.status == 401 ? mcp_finding::state::needs_auth : mcp_finding::state::refuses_name;
        } else if (a.status == 421 || (a.status == 403 && a.is_there)) {
            found_.what = mcp_finding::state::refuses_name;
        } else if (a.timed_out && clock::now() >= deadline_) {
            found_.what = mcp_finding::state::silent;
        } else {
            return false;
        }
        found_.path = path;
        return true;
    }

    void note_server(const json& result, const std::string& path) {
        found_.what = mcp_finding::state::found;
        found_.path = path;
        found_.revision = text_of(result, "protocolVersion");
        found_.name = text_of(part(result, "serverInfo"), "name");
        found_.version = text_of(part(result, "serverInfo"), "version");
        found_.has_tools = part(part(result, "capabilities"), "tools").is_object();
    }

    template <class Ask>
    void count_tools(Ask ask, json params) {
        if (!found_.has_tools) return;
        for (int page = 0; page < max_pages; ++page) {
            const answer a = ask(request(page + 2, "tools/list", params));
            const auto& tools = part(part(a.message, "result"), "tools");
            if (!tools.is_array()) return;
            for (const auto& tool : tools)
                if (auto name = text_of(tool, "name"); !name.empty()) found_.tools.push_back(std::move(name));
            const auto next = text_of(part(a.message, "result"), "nextCursor");
            if (next.empty()) return;
            params["cursor"] = next;
        }
    }

    void end_session(const std::string& path) {
        local_call call(deadline_);
        if (call.connect(to_)) (void)call.ask(head("DELETE", path, session_ + "\r\n"), "DELETE");
    }

    // --- HTTP+SSE, 2024-11-05 ----------------------------------------------------------------------------------------

    bool try_sse(const std::string& path) {
        local_call stream(deadline_);
        if (!stream.connect(to_)) return false;
        const auto asked = stream.ask(head("GET", path, "Accept: text/event-stream\r\n\r\n"), "GET");
        if (!asked) return false;
        if (stream.status() == 401) {
            answer a;
            a.status = 401;
            return settles_it(a, path);
        }
        if (stream.status() != 200 || !to_lower(stream.field("Content-Type")).starts_with("text/event-stream"))
            return false;
        mcp::event_splitter events(max_reply);
        answer a;
        std::string address;
        read_events(stream, events, a, [&](const mcp::stream_event& e) {
            if (e.name == "endpoint") address = e.data;
            return true;
        });
        if (address.empty()) return false;
        if (const auto scheme = address.find("://"); scheme != std::string::npos)
            address.erase(0, std::min(address.find('/', scheme + 3), address.size()));
        if (!address.starts_with('/')) address.insert(address.begin(), '/');
        const auto ask = [&](const json& m) {
            answer heard = post(address, m, {});
            if (heard.status < 200 || heard.status >= 300) return heard;
            heard.is_there = false;
            read_events(stream, events, heard, [&](const mcp::stream_event& e) {
                auto message = json::parse(e.data, nullptr, /*allow_exceptions=*/false);
                if (part(message, "id") != m.at("id")) return false;
                heard.message = std::move(message);
                heard.is_there = true;
                return true;
            });
            return heard;
        };
        const auto opened = ask(request(1, "initialize", initialize_params()));
        if (text_of(part(opened.message, "result"), "protocolVersion").empty()) return false;
        note_server(part(opened.message, "result"), path);
        found_.is_sse = true;
        post(address, {{"jsonrpc", "2.0"}, {"method", "notifications/initialized"}}, {});
        count_tools(ask, json::object());
        return true;
    }

    const target& to_;
    std::string host_;
    clock::time_point deadline_;
    mcp_finding found_;
    std::string session_;
};

}  // namespace

mcp_finding check_mcp_server(const target& to, const std::string& host, std::chrono::milliseconds limit) {
    const auto deadline = clock::now() + limit;
    const auto own = to.is_unix ? std::string("localhost") : to.host + ":" + std::to_string(to.port);
    auto found = mcp_checker(to, host, deadline).run();
    const bool is_refused = found.what != mcp_finding::state::found && found.what != mcp_finding::state::unreachable &&
                            found.what != mcp_finding::state::needs_auth;
    if (!is_refused || host == own) return found;
    // Many servers know their own name only, against pages that lead a browser to them under another one.
    auto under_own_name = mcp_checker(to, own, deadline).run();
    if (under_own_name.what != mcp_finding::state::found) return found;
    under_own_name.what = mcp_finding::state::refuses_name;
    return under_own_name;
}

}  // namespace instatunnel::client
