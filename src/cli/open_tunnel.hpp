#pragma once

#include <string>
#include <vector>

#include "context.hpp"
#include "directory_flags.hpp"
#include "instatunnel/base/secret.hpp"
#include "ready_extras.hpp"

namespace instatunnel::cli {

/// `instatunnel mcp -- COMMAND`: what is started instead of a target that is there.
struct stdio_options {
    bool wanted = false;
    std::vector<std::string> command;
    bool shared = false;       ///< one process for all sessions
    std::string max_sessions;  ///< empty: the usual limit
    std::string session_idle;  ///< a duration; empty: the usual one
};

/// `instatunnel TARGET`, `connect` and `mcp`.
struct open_options {
    std::string target;    ///< empty: the first usual port that answers
    std::string port;      ///< --port, the same as a target
    bool react = false;    ///< --react and --next: port 3000
    bool laravel = false;  ///< port 8000
    std::string subdomain;
    std::string host_header = "preserve";
    std::string upstream = "auto";  ///< what the local program is spoken to with
    std::string transport = "auto";
    std::string region;
    secret password;                             ///< --password
    secret auth;                                 ///< --auth, "user:password"
    std::vector<std::string> mcp_allow;          ///< globs of the tools that may be seen and called
    std::vector<std::string> mcp_deny;           ///< and of those that may not
    bool mcp = false;                            ///< the local program is an MCP server
    std::string mcp_auth = "none";               ///< who may call it: none, bearer or oauth
    bool mcp_rotate_token = false;               ///< bearer: a new token in place of the kept one
    std::vector<std::string> mcp_allowed_users;  ///< oauth: accounts beside the owner's, by address; "*": all
    bool quiet = false;
    ready_wishes extras;  ///< --qr, --copy, --share
    directory_flags directory;
    stdio_options stdio;
    bool connect = false;  ///< attach to a tunnel that exists: exactly one of subdomain and domain
    std::string domain;
};
outcome<exit_code> run_open(const open_options& options, context& c);

}  // namespace instatunnel::cli
