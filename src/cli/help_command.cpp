#include "help_command.hpp"

#include "nearest.hpp"
#include "parser.hpp"

namespace instatunnel::cli {
namespace {

// The terminal ends lines itself.
void print(terminal& term, std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    term.result(text);
}

}  // namespace

outcome<exit_code> run_help(const help_options& options, context& c) {
    const auto pages = describe_commands();
    if (options.markdown) {
        print(c.term, render_markdown(pages));
        return exit_code::done;
    }
    std::string path;
    for (const auto& word : options.topic)
        path += (path.empty() ? "" : " ") + word;
    if (path == "exit-codes") {
        print(c.term, render_exit_codes());
        return exit_code::done;
    }
    const auto* page = find_page(pages, path);
    if (page == nullptr) {
        std::vector<std::string> paths{"exit-codes"};
        for (const auto& known : pages)
            paths.push_back(known.path);
        const auto near = nearest(path, paths);
        return failure(errc::usage, "There is no help for \"" + path + "\"",
                       near.empty() ? "See: instatunnel help" : "Did you mean: instatunnel help " + near);
    }
    print(c.term, render_page(*page, pages));
    return exit_code::done;
}

}  // namespace instatunnel::cli
