#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct stats_options {
    std::string name;  ///< name, host or id of one tunnel; empty: all that are connected
};
/// What the server counted and measured: of the account, and of each tunnel, with bars on a terminal.
outcome<exit_code> run_stats(const stats_options& options, context& c);

}  // namespace instatunnel::cli
