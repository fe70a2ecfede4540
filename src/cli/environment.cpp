#include "environment.hpp"

#include <cstdlib>

#include "instatunnel/config/profile_store.hpp"

namespace instatunnel::cli {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

}  // namespace

environment environment::of_process() {
    environment env;
    env.api_key = secret(variable("INSTATUNNEL_API_KEY"));
    env.smtp_password = secret(variable("INSTATUNNEL_SMTP_PASSWORD"));
    env.server = variable("INSTATUNNEL_SERVER");
    env.profile = variable("INSTATUNNEL_PROFILE");
    env.home = config::profile_store::default_home();
    // INSTATUNNEL_HOME moves our folder; what earlier clients left stays in the home directory.
    if (const auto user_home = variable("HOME"); !user_home.empty())
        env.legacy_file = std::filesystem::path(user_home) / ".instatunnel.yaml";
    env.no_color = !variable("NO_COLOR").empty();
    env.dumb_terminal = variable("TERM") == "dumb";
    return env;
}

}  // namespace instatunnel::cli
