#include "help_command.hpp"

#include "instatunnel/base/version.hpp"
#include "instatunnel/service/description.hpp"
#include "nearest.hpp"
#include "parser.hpp"

namespace instatunnel::cli {
namespace {

// The terminal ends lines itself.
void print(terminal& term, std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    term.result(text);
}

// The reference for whoever writes a program against the API: of an edge that could be anywhere.
service::api_place any_edge() {
    return {std::string(version()), "https://api.localhost:8443"};
}

outcome<exit_code> show(context& c, std::string text) {
    print(c.term, std::move(text));
    return exit_code::done;
}

}  // namespace

outcome<exit_code> run_help(const help_options& options, context& c) {
    const auto pages = describe_commands();
    if (options.markdown) return show(c, render_markdown(pages));
    if (options.api_markdown) return show(c, service::render_api_page(any_edge()));
    if (options.api_json) return show(c, service::describe_api(any_edge()));
    std::string path;
    for (const auto& word : options.topic)
        path += (path.empty() ? "" : " ") + word;
    if (path == "exit-codes") return show(c, render_exit_codes());
    const auto* page = find_page(pages, path);
    if (page == nullptr) {
        std::vector<std::string> paths{"exit-codes"};
        for (const auto& known : pages)
            paths.push_back(known.path);
        const auto near = nearest(path, paths);
        return failure(errc::usage, "There is no help for \"" + path + "\"",
                       near.empty() ? "See: instatunnel help" : "Did you mean: instatunnel help " + near);
    }
    return show(c, render_page(*page, pages));
}

}  // namespace instatunnel::cli
