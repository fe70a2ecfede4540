#pragma once

#include <cstdint>
#include <string>

#include "context.hpp"

namespace instatunnel::cli {

enum class config_action : std::uint8_t { path, get, set, unset, show };

struct config_options {
    config_action action = config_action::show;
    std::string name;
    std::string value;
};
outcome<exit_code> run_config(const config_options& options, context& c);

}  // namespace instatunnel::cli
