#pragma once

#include "context.hpp"

namespace instatunnel::cli {

struct set_key_options {
    secret key;  ///< empty: asked for, or read from a pipe
};
outcome<exit_code> run_set_key(const set_key_options& options, context& c);

struct show_key_options {
    bool reveal = false;
    bool copy = false;
};
outcome<exit_code> run_show_key(const show_key_options& options, context& c);

}  // namespace instatunnel::cli
