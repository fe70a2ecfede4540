#include "version_command.hpp"

#include "instatunnel/base/version.hpp"
#include "json_line.hpp"

namespace instatunnel::cli {

outcome<exit_code> run_version(const version_options&, context& c) {
    if (c.term.json())
        c.term.result(json_line("version").with("version", version()).text());
    else
        c.term.result("InstaTunnel CLI " + std::string(version()));
    return exit_code::done;
}

}  // namespace instatunnel::cli
