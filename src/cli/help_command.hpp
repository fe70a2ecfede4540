#pragma once

#include <string>
#include <vector>

#include "context.hpp"

namespace instatunnel::cli {

struct help_options {
    std::vector<std::string> topic;  ///< a command's words, or "exit-codes"; empty: the overview
    bool markdown = false;           ///< the whole reference, as docs/cli.md holds it
    bool api_markdown = false;       ///< the reference of the HTTP API, as docs/api.md holds it
    bool api_json = false;           ///< the description of the HTTP API, OpenAPI
};
outcome<exit_code> run_help(const help_options& options, context& c);

}  // namespace instatunnel::cli
