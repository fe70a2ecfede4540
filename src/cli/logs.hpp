#pragma once

#include <string>

#include "context.hpp"
#include "instatunnel/api/log_client.hpp"
#include "instatunnel/base/clock.hpp"

namespace instatunnel::cli {

struct logs_options {
    std::string name;  ///< of a tunnel; empty: all of the account's
    bool follow = false;
    std::string since;   ///< a time, or how long ago
    std::string status;  ///< "404", "5xx", "400-499", …
    std::string path;    ///< beginning, or pattern with '*'
    std::string lines;   ///< how many at first; empty: the usual number
};
outcome<exit_code> run_logs(const logs_options& options, context& c);

/// What is asked of the server first, checked. `now` is the time that --since counts from. Errors: usage.
outcome<api::request_question> plan_logs(const logs_options& options, wall_time now);

/// `2026-11-22T15:26:19Z demo GET /path 200 OK 1.2 kB 3ms`
std::string log_line(const terminal& term, const api::request_entry& request);

}  // namespace instatunnel::cli
