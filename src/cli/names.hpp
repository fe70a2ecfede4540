#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct names_list_options {};
outcome<exit_code> run_names_list(const names_list_options& options, context& c);

struct names_release_options {
    std::string name;  ///< or host
};
outcome<exit_code> run_names_release(const names_release_options& options, context& c);

}  // namespace instatunnel::cli
