#pragma once

#include <string>

#include "context.hpp"

namespace instatunnel::cli {

struct auth_status_options {};
outcome<exit_code> run_auth_status(const auth_status_options& options, context& c);

struct auth_test_options {
    std::string scope;  ///< empty: the key as a whole
};
outcome<exit_code> run_auth_test(const auth_test_options& options, context& c);

struct whoami_options {};
outcome<exit_code> run_whoami(const whoami_options& options, context& c);

}  // namespace instatunnel::cli
