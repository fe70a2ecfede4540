#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct list_options {
    bool as_table = false;  ///< `status`: one line a tunnel, in columns
};
outcome<exit_code> run_list(const list_options& options, context& c);

struct kill_options {
    std::string name;  ///< name, host or id
};
outcome<exit_code> run_kill(const kill_options& options, context& c);

}  // namespace instatunnel::cli
