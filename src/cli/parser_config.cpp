#include "parser_parts.hpp"

namespace instatunnel::cli {

void add_config_commands(CLI::App& root, invocation& out) {
    auto& config = group(root, "config", "Look at the configuration and change it");
    const auto add = [&](const char* name, config_action action, const char* summary, const char* example) {
        auto o = std::make_shared<config_options>();
        o->action = action;
        auto& app = command(config, name, summary, {example});
        if (action == config_action::get || action == config_action::set || action == config_action::unset)
            text(app, "NAME", "", o->name,
                 "default_profile, keystore (file or keyring), or server, cacert or email of the profile")
                .required();
        if (action == config_action::set) text(app, "VALUE", "", o->value, "The new value").required();
        deliver(app, std::move(o), out);
    };
    add("path", config_action::path, "Print where the configuration file is", "instatunnel config path");
    add("get", config_action::get, "Print one value", "instatunnel config get server");
    add("set", config_action::set, "Store one value", "instatunnel config set server https://api.t.example.com");
    add("unset", config_action::unset, "Remove one value", "instatunnel config unset server");
    add("show", config_action::show, "Print what is in effect and where it comes from", "instatunnel config show");
}

}  // namespace instatunnel::cli
