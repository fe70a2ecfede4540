#include "parser_parts.hpp"

namespace instatunnel::cli {

// The footer carries the examples, one a line; help pages take them from there.
CLI::App& command(CLI::App& parent, const char* name, const char* summary,
                  std::initializer_list<const char*> examples) {
    CLI::App* app = parent.add_subcommand(name, summary);
    // Global flags are defined on the root and work behind the command's name as well.
    app->fallthrough();
    std::string text;
    for (const char* example : examples)
        text += (text.empty() ? "" : "\n") + std::string(example);
    app->footer(text);
    return *app;
}

CLI::App& group(CLI::App& parent, const char* name, const char* summary) {
    CLI::App& app = command(parent, name, summary, {});
    app.require_subcommand(1, 1);
    return app;
}

CLI::Option& text(CLI::App& app, const char* names, const char* value, std::string& into, const char* help) {
    return *app.add_option(names, into, help)->type_name(value);
}

CLI::Option& texts(CLI::App& app, const char* names, const char* value, std::vector<std::string>& into,
                   const char* help) {
    // One value behind each flag: what follows may be a positional.
    return *app.add_option(names, into, help)->type_name(value)->allow_extra_args(false);
}

void add_directory_flags(CLI::App& app, directory_flags& flags) {
    app.add_flag("--spa", flags.spa,
                 "Of a directory: paths that name nothing and have no extension get the index.html at the top");
    app.add_flag("--no-listing", flags.no_listing, "Of a directory: no list of files where there is no index.html");
    app.add_flag("--dot-files", flags.dot_files, "Of a directory: also files whose names start with a dot");
}

}  // namespace instatunnel::cli
