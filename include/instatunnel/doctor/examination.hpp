#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"
#include "instatunnel/client/target.hpp"
#include "instatunnel/doctor/report.hpp"

namespace instatunnel::doctor {

/// Variables that name a proxy, as the process has them.
struct proxy_variables {
    std::string name;   ///< "HTTPS_PROXY": the one that counts for https; empty: none is set
    std::string value;  ///< may hold a password: shown without it
    std::string no_proxy;
};

/// What is examined: what a tunnel would use, with what went wrong while it was put together.
struct settings {
    std::filesystem::path home;         ///< ~/.instatunnel
    std::filesystem::path config_file;  ///< may be missing
    std::string profile;
    /// Why server, authority or profile cannot be told (a broken file, a malformed variable).
    std::optional<failure> place_problem;

    std::string server;              ///< API base without a slash at the end; empty: not known, nothing is asked
    std::string server_from;         ///< "--server", "profile default", …
    bool is_default_server = false;  ///< nobody named one
    std::string cacert;              ///< PEM file; empty: the system's authorities

    secret key;            ///< empty: none
    std::string key_from;  ///< "INSTATUNNEL_API_KEY", …
    std::optional<failure> key_problem;
    /// The server's "no" to the key, told with what the caller knows of it. May be empty.
    std::function<failure(const failure&)> explain_key;

    std::optional<client::target> local;  ///< the local program; nullopt: the first usual port that answers
    bool mcp = false;                     ///< it is an MCP server
    proxy_variables proxy;

    /// For everything; each check has less.
    std::chrono::milliseconds limit{15'000};
};

/// Called for each check when it and those before it are done, on the thread that called examine().
using check_listener = std::function<void(const check&)>;

/// Looks at everything that a tunnel needs: configuration, key, names, TCP, TLS, proxy, API, clock, account, plan,
/// transport, and the local program with what it says to the public name. Real connections, nothing is changed
/// anywhere: no name is claimed, no tunnel opened. Blocking, at most `settings.limit`; helper threads of its own, which
/// are over when it returns. From any thread; the process ignores SIGPIPE.
report examine(const settings& what, const check_listener& on_check = {});

}  // namespace instatunnel::doctor
