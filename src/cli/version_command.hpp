#pragma once

#include "context.hpp"

namespace instatunnel::cli {

struct version_options {};
outcome<exit_code> run_version(const version_options& options, context& c);

}  // namespace instatunnel::cli
