#include "mcp_command.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>

#include "instatunnel/base/duration.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t most_sessions = 1000;

bool is_program(const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && S_ISREG(s.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// As execvp() looks for it: a mistyped name is told now, and not to the first caller.
bool can_be_started(const std::string& name) {
    if (name.find('/') != std::string::npos) return is_program(name);
    const char* const path = std::getenv("PATH");
    std::string_view folders = path == nullptr ? "/usr/bin:/bin" : path;
    for (bool more = true; more;) {
        const auto end = folders.find(':');
        const auto folder = folders.substr(0, end);
        if (is_program((folder.empty() ? "." : std::string(folder)) + "/" + name)) return true;
        more = end != std::string_view::npos;
        if (more) folders.remove_prefix(end + 1);
    }
    return false;
}

outcome<std::size_t> read_sessions(const std::string& text) {
    std::size_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec != std::errc() || end != text.data() + text.size() || n == 0 || n > most_sessions)
        return failure(errc::usage, "--max-sessions is not a number from 1 to 1000", "Write it like --max-sessions 64");
    return n;
}

}  // namespace

outcome<void> plan_stdio(const stdio_options& o, tunnel_plan& plan) {
    if (o.command.empty() || o.command.front().empty())
        return failure(
            errc::usage, "mcp needs the command that starts the server",
            "Write it behind two hyphens: instatunnel mcp -- npx -y @modelcontextprotocol/server-everything");
    const auto& program = o.command.front();
    if (!can_be_started(program))
        return failure(errc::target_unreachable, "There is no program " + printable(program),
                       "Check the command behind --");
    plan.mcp_command = o.command;
    plan.mcp_shared = o.shared;
    if (!o.max_sessions.empty()) {
        const auto n = read_sessions(o.max_sessions);
        if (!n) return n.error();
        plan.mcp_max_sessions = *n;
    }
    if (!o.session_idle.empty()) {
        const auto length = parse_duration(o.session_idle, std::chrono::days(7));
        if (!length || *length < std::chrono::minutes(1))
            return failure(errc::usage, "--session-idle is not a time from 1m to 7d",
                           "Write it like --session-idle 30m");
        plan.mcp_session_idle = std::chrono::ceil<std::chrono::minutes>(*length);
    }
    client::target to;
    to.display = "mcp:" + program.substr(program.rfind('/') + 1);
    plan.upstream = std::move(to);
    return {};
}

}  // namespace instatunnel::cli
