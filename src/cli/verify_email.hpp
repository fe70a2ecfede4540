#pragma once

#include "context.hpp"

namespace instatunnel::cli {

struct verify_email_options {};
outcome<exit_code> run_verify_email(const verify_email_options& options, context& c);

}  // namespace instatunnel::cli
