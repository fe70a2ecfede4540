#include "mcp_announcer.hpp"

#include <mutex>
#include <system_error>
#include <thread>

#include "instatunnel/base/log.hpp"
#include "instatunnel/client/mcp_words.hpp"
#include "instatunnel/mcp/tool_watch.hpp"
#include "instatunnel/net/dial.hpp"
#include "json_line.hpp"
#include "mcp_card.hpp"

namespace instatunnel::cli {
namespace {

constexpr auto mcp_check_limit = std::chrono::milliseconds(8'000);
constexpr const char* token_to_fill_in = "Bearer YOUR_MCP_TOKEN";

std::string authority_of(const std::string& url) {
    const auto begin = url.find("://");
    return begin == std::string::npos ? url : url.substr(begin + 3, url.find('/', begin + 3) - begin - 3);
}

}  // namespace

struct mcp_announcer::job {
    std::mutex guard;
    terminal* term = nullptr;  ///< null: nobody wants to hear it any more
    client::target to;
    bool is_started = false;  ///< by us, for each session
    client::host_header host_mode = client::host_header::preserve;
    std::string host_value;
    mcp::tool_rules rules;
    client::mcp_guard auth = client::mcp_guard::none;
    secret token;

    std::string host_for(const std::string& url) const {
        if (host_mode == client::host_header::fixed) return host_value;
        if (host_mode == client::host_header::preserve) return authority_of(url);
        return to.is_unix ? "localhost" : to.host + ":" + std::to_string(to.port);
    }

    std::string authorization(const client::mcp_finding& found) const {
        if (auth == client::mcp_guard::bearer) return "Bearer " + std::string(token.reveal());
        if (auth == client::mcp_guard::oauth || is_started || found.what == client::mcp_finding::state::found)
            return {};
        return token_to_fill_in;
    }

    client::mcp_finding check(const std::string& url) const {
        if (!is_started) return client::check_mcp_server(to, host_for(url), mcp_check_limit);
        client::mcp_finding found;
        found.what = client::mcp_finding::state::unchecked;
        return found;
    }

    void run(const std::string& url, const std::string& name) {
        const auto found = check(url);
        log::debug("mcp.checked").with("state", state_name(found.what)).with("path", found.path);
        const mcp_endpoint endpoint{url + found.path, name, found.transport(), authorization(found)};
        const auto warning = warn_about(found, to, rules);
        const std::lock_guard lock(guard);
        if (term == nullptr) return;
        if (term->json())
            print_event(endpoint, found, warning);
        else
            print_lines(endpoint, found, warning);
    }

    void print_lines(const mcp_endpoint& endpoint, const client::mcp_finding& found,
                     const client::mcp_warning& warning) {
        std::string text = "🤖 MCP URL: " + printable(endpoint.url);
        if (found.what == client::mcp_finding::state::found) text += "\n   " + printable(describe_server(found, rules));
        for (const auto& config : client_configs(endpoint))
            text += "\n   " + config.title + ":\n" + config.text;
        term->result(text);
        if (!warning.what.empty()) term->notice("Notice: " + printable(warning.what) + ". " + warning.hint);
    }

    void print_event(const mcp_endpoint& endpoint, const client::mcp_finding& found,
                     const client::mcp_warning& warning) {
        json_line server = json_line::object();
        server.with("state", state_name(found.what)).with("path", found.path);
        if (found.what == client::mcp_finding::state::found)
            server.with("name", found.name)
                .with("version", found.version)
                .with("revision", found.revision)
                .with("other_revisions", std::span<const std::string>(found.other_revisions))
                .with("tools", found.tools.size());
        json_line clients = json_line::object();
        for (const auto& config : client_configs(endpoint)) {
            if (config.is_json)
                clients.with_json(config.id, one_line(config.text));
            else
                clients.with(config.id, config.text);
        }
        json_line line("mcp.ready");
        line.with("url", endpoint.url)
            .with("transport", endpoint.transport)
            .with_json("headers", headers_json(endpoint))
            .with_object("server", server)
            .with_object("clients", clients);
        if (!warning.what.empty())
            line.with("warning", warning.code).with("message", warning.what).with("hint", warning.hint);
        term->result(line.text());
    }

    // Line ends in it are all indentation: strings have theirs escaped.
    static std::string one_line(std::string text) {
        std::erase(text, '\n');
        return text;
    }
};

mcp_announcer::mcp_announcer(terminal& term, const client::tunnel_options& tunnel) : job_(std::make_shared<job>()) {
    job_->term = &term;
    job_->to = tunnel.upstream;
    job_->is_started = !tunnel.mcp_command.empty();
    job_->host_mode = tunnel.host_mode;
    job_->host_value = tunnel.host_value;
    job_->rules = tunnel.mcp_tools;
    job_->auth = tunnel.mcp_auth;
    job_->token = tunnel.mcp_token.clone();
}

mcp_announcer::~mcp_announcer() {
    const std::lock_guard lock(job_->guard);
    job_->term = nullptr;
}

void mcp_announcer::start(const std::string& url, const std::string& name) {
    try {
        std::thread([job = job_, url, name] { job->run(url, name); }).detach();
    } catch (const std::system_error&) {
        log::warn("mcp.check_failed").with("reason", "no thread can be started");
    }
}

std::string change_text(const mcp::tool_change& change) {
    std::string parts;
    for (const auto& part : change.parts)
        parts += (parts.empty() ? "" : ", ") + part;
    return "Tool '" + change.tool + "' of the MCP server is described otherwise than before: " + parts;
}

}  // namespace instatunnel::cli
