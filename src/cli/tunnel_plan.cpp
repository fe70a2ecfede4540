#include "tunnel_plan.hpp"

#include <algorithm>
#include <vector>

#include "instatunnel/base/names.hpp"
#include "mcp_command.hpp"
#include "target_word.hpp"
#include "terminal.hpp"
#include "tunnel_name.hpp"

namespace instatunnel::cli {
namespace {

constexpr const char* react_port = "3000";
constexpr const char* laravel_port = "8000";

outcome<std::optional<client::target>> plan_upstream(const open_options& o) {
    std::vector<std::string> named;
    if (!o.target.empty()) named.push_back(o.target);
    if (!o.port.empty()) named.push_back(o.port);
    if (o.react) named.emplace_back(react_port);
    if (o.laravel) named.emplace_back(laravel_port);
    if (named.empty() && o.directory.any()) return read_target({}, o.directory).error();
    if (named.empty()) return std::optional<client::target>();
    // `instatunnel 3000 --port 3000` says one thing twice; 3000 and 8000 are two things.
    if (std::ranges::adjacent_find(named, std::ranges::not_equal_to()) != named.end())
        return failure(errc::usage, "More than one target was given", "Name one: instatunnel 3000");
    const bool only_port = o.target.empty() && !o.port.empty();
    if (only_port && !std::ranges::all_of(o.port, [](char c) { return c >= '0' && c <= '9'; }))
        return failure(errc::malformed_target, "--port is not a number from 1 to 65535");
    auto upstream = read_target(named.front(), o.directory);
    if (!upstream) return upstream.error();
    return std::optional<client::target>(std::move(*upstream));
}

outcome<void> plan_name(const open_options& o, tunnel_plan& plan) {
    if (o.connect && o.subdomain.empty() == o.domain.empty())
        return failure(errc::usage, "connect takes exactly one of --subdomain and --domain",
                       "Name the tunnel: instatunnel connect 3000 -s NAME");
    const auto name = read_tunnel_name(o.subdomain);
    if (!name) return name.error();
    if (!o.connect) {
        plan.name = *name;
        return {};
    }
    plan.existing_host = name->empty() ? to_lower(o.domain) : *name;
    const auto usable = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.'; };
    if (plan.existing_host.size() > 253 || !std::ranges::all_of(plan.existing_host, usable))
        return failure(errc::malformed_name, "--domain is not a host name", "Write it like -d demo.t.example.com");
    return {};
}

outcome<void> plan_host_header(const open_options& o, tunnel_plan& plan) {
    if (o.host_header == "preserve") return {};
    if (plan.upstream && plan.upstream->is_directory)
        return failure(errc::usage, "--host-header is for a local program, and the target is a directory",
                       "Leave it out: instatunnel ./dist");
    if (o.host_header == "rewrite") {
        plan.host_mode = client::host_header::rewrite;
        return {};
    }
    const auto usable = [](char c) { return c > ' ' && c < 0x7F && c != '/' && c != '@'; };
    if (o.host_header.size() > 255 || !std::ranges::all_of(o.host_header, usable))
        return failure(errc::usage, "--host-header is not a host",
                       "Use preserve, rewrite or a value like app.test:3000");
    plan.host_mode = client::host_header::fixed;
    plan.host_value = o.host_header;
    return {};
}

outcome<void> plan_protocol(const open_options& o, tunnel_plan& plan) {
    if (o.upstream == "auto") return {};
    if (plan.upstream && plan.upstream->is_directory)
        return failure(errc::usage, "--upstream is for a local program, and the target is a directory",
                       "Leave it out: instatunnel ./dist");
    if (o.upstream == "http1")
        plan.protocol = client::app_protocol::http1;
    else if (o.upstream == "h2c")
        plan.protocol = client::app_protocol::h2c;
    else
        return failure(errc::usage, "--upstream is auto, http1 or h2c", "For gRPC alone leave --upstream out");
    return {};
}

std::vector<std::string> split_globs(const std::vector<std::string>& given) {
    std::vector<std::string> globs;
    for (std::string_view words : given)
        for (bool more = true; more;) {
            const auto end = words.find(',');
            globs.emplace_back(trim(words.substr(0, end)));
            more = end != std::string_view::npos;
            if (more) words.remove_prefix(end + 1);
        }
    return globs;
}

// They fail on the way of words into flags, in scripts above all: an empty one would permit or refuse nothing.
outcome<void> plan_mcp(const open_options& o, tunnel_plan& plan) {
    plan.mcp = o.mcp;
    plan.mcp_tools = {split_globs(o.mcp_allow), split_globs(o.mcp_deny)};
    if (plan.mcp_tools.any() && !o.mcp)
        return failure(errc::usage, "--mcp-allow and --mcp-deny are for MCP servers",
                       "Add --mcp: instatunnel 8787 --mcp --mcp-allow 'get_*'");
    const auto is_empty = [](const std::string& glob) { return glob.empty(); };
    if (std::ranges::any_of(plan.mcp_tools.allow, is_empty) || std::ranges::any_of(plan.mcp_tools.deny, is_empty))
        return failure(errc::usage, "The name of a tool is empty", "Write it like --mcp-allow 'get_*'");
    if (!o.mcp) return {};
    if (plan.upstream && plan.upstream->is_directory)
        return failure(errc::usage, "An MCP server is a program, and the target is a directory",
                       "Name its port: instatunnel 8787 --mcp");
    if (plan.mcp_tools.any() && plan.protocol == client::app_protocol::h2c)
        return failure(errc::usage, "--mcp-allow and --mcp-deny work with HTTP/1.1 alone",
                       "Leave --upstream out: MCP servers speak HTTP/1.1");
    return {};
}

outcome<client::transport> read_transport(const std::string& name) {
    if (name == "auto") return client::transport::automatic;
    if (name == "v1") return client::transport::v1;
    if (name == "v2") return client::transport::v2;
    return failure(errc::usage, "--transport is auto, v1 or v2", "Leave --transport out");
}

}  // namespace

outcome<tunnel_plan> plan_tunnel(const open_options& options) {
    tunnel_plan plan;
    if (options.stdio.wanted) {
        if (auto set = plan_stdio(options.stdio, plan); !set) return set.error();
    } else {
        auto upstream = plan_upstream(options);
        if (!upstream) return upstream.error();
        plan.upstream = std::move(*upstream);
    }
    if (auto named = plan_name(options, plan); !named) return named.error();
    if (auto set = plan_host_header(options, plan); !set) return set.error();
    if (auto set = plan_protocol(options, plan); !set) return set.error();
    const auto via = read_transport(options.transport);
    if (!via) return via.error();
    plan.via = *via;
    if (auto set = plan_mcp(options, plan); !set) return set.error();
    plan.directory_rules = options.directory.rules();
    return plan;
}

outcome<client::target> find_upstream(const tunnel_plan& plan) {
    if (plan.upstream) return *plan.upstream;
    return client::detect_target();
}

}  // namespace instatunnel::cli
