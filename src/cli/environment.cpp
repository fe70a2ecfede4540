#include "environment.hpp"

#include <unistd.h>

#include <cstdlib>

#include "instatunnel/base/names.hpp"
#include "instatunnel/config/profile_store.hpp"

namespace instatunnel::cli {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

#ifdef __APPLE__
constexpr bool always_graphical = true;
#else
constexpr bool always_graphical = false;
#endif

// POSIX.1-2017 §8.2: the first of them that is set and not empty decides.
bool speaks_utf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
        if (const auto locale = to_lower(variable(name)); !locale.empty())
            return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    return false;
}

std::string name_of_host() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

environment environment::of_process() {
    environment env;
    env.api_key = secret(variable("INSTATUNNEL_API_KEY"));
    env.oidc_secret = secret(variable("INSTATUNNEL_OIDC_SECRET"));
    env.smtp_password = secret(variable("INSTATUNNEL_SMTP_PASSWORD"));
    env.tunnel_password = secret(variable("INSTATUNNEL_TUNNEL_PASSWORD"));
    env.tunnel_auth = secret(variable("INSTATUNNEL_TUNNEL_AUTH"));
    env.server = variable("INSTATUNNEL_SERVER");
    env.profile = variable("INSTATUNNEL_PROFILE");
    env.home = config::profile_store::default_home();
    // INSTATUNNEL_HOME moves our folder; what earlier clients left stays in the home directory.
    if (const auto user_home = variable("HOME"); !user_home.empty())
        env.legacy_file = std::filesystem::path(user_home) / ".instatunnel.yaml";
    env.no_color = !variable("NO_COLOR").empty();
    env.dumb_terminal = variable("TERM") == "dumb";
    env.browser = variable("BROWSER");
    env.graphical =
        always_graphical || !env.browser.empty() || !(variable("DISPLAY") + variable("WAYLAND_DISPLAY")).empty();
    env.utf8 = speaks_utf8();
    env.host_name = name_of_host();
    for (const char* name : {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"})
        if (env.proxy.empty() && !variable(name).empty()) {
            env.proxy_variable = name;
            env.proxy = variable(name);
        }
    env.no_proxy = variable("NO_PROXY").empty() ? variable("no_proxy") : variable("NO_PROXY");
    return env;
}

}  // namespace instatunnel::cli
