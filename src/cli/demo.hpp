#pragma once

#include <string>

#include "context.hpp"
#include "directory_flags.hpp"

namespace instatunnel::cli {

struct demo_options {
    std::string target;  ///< empty: the sample site
    std::string listen = "127.0.0.1:8443";
    bool once = false;
    directory_flags directory;
};
outcome<exit_code> run_demo(const demo_options& options, context& c);

}  // namespace instatunnel::cli
