#include "parser.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <map>

#include "nearest.hpp"
#include "parser_commands.hpp"
#include "target_word.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

using words = std::vector<std::string>;

const auto every_command = [](const CLI::App*) { return true; };

std::string flag_name(const std::string& argument) {
    return argument.substr(0, argument.find('='));
}

bool is_flag(const std::string& argument) {
    return argument.size() > 1 && argument.front() == '-';
}

// What a person typed, for an error text; a key in the wrong place is not repeated.
std::string shown(const std::string& word) {
    if (word.find("it_") != std::string::npos) return "an API key";
    return "\"" + printable(word.substr(0, 80)) + "\"";
}

bool looks_like_target(const std::string& word) {
    if (word.find(':') != std::string::npos || is_path(word)) return true;
    if (std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; })) return true;
    std::error_code ignored;
    return std::filesystem::is_directory(word, ignored);
}

failure unknown_word(const CLI::App& root, const std::string& word) {
    if (word.find("it_") != std::string::npos)
        return {errc::usage, "An API key stands where a command or a target belongs",
                "To store a key: instatunnel auth set-key"};
    words names;
    for (const auto* app : root.get_subcommands(every_command)) {
        names.push_back(app->get_name());
        for (const auto& alias : app->get_aliases())
            names.push_back(alias);
    }
    const auto near = nearest(word, names);
    const std::string what = shown(word) + " is not a command and not a target";
    if (near.empty()) return {errc::usage, what, "See: instatunnel help, or name a port: instatunnel 3000"};
    return {errc::usage, what, "Did you mean: instatunnel " + near};
}

bool is_command(const CLI::App& root, const std::string& word) {
    return std::ranges::any_of(root.get_subcommands(every_command),
                               [&](const CLI::App* app) { return app->check_name(word); });
}

// The modes that published clients spelled as flags.
bool replace_mode_flag(words& arguments, std::size_t i) {
    const auto name = flag_name(arguments[i]);
    static const std::map<std::string, std::string> modes{
        {"--list", "ls"}, {"--kill", "kill"}, {"--logs", "logs"}, {"--stats", "stats"}};
    const auto mode = modes.find(name);
    if (mode == modes.end()) return false;
    const auto value = arguments[i].size() > name.size() ? arguments[i].substr(name.size() + 1) : "";
    arguments[i] = mode->second;
    if (!value.empty()) arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, value);
    return true;
}

// Writes the command `tunnel`, which people leave out, into the line: at the first thing that is neither a global flag
// nor a command. So only `tunnel` defines the flags of a tunnel.
outcome<words> with_command(const CLI::App& root, words arguments) {
    bool wants_help = false;
    std::size_t i = 0;
    for (; i < arguments.size(); ++i) {
        if (!is_flag(arguments[i])) {
            if (is_command(root, arguments[i])) return arguments;
            if (!looks_like_target(arguments[i])) return unknown_word(root, arguments[i]);
            break;
        }
        if (replace_mode_flag(arguments, i)) return arguments;
        const auto* option = root.get_option_no_throw(flag_name(arguments[i]));
        if (option == nullptr) break;
        wants_help = wants_help || option == root.get_help_ptr();
        const bool takes_next = option->get_items_expected_max() > 0 && arguments[i].find('=') == std::string::npos;
        if (takes_next && i + 1 < arguments.size()) ++i;
    }
    if (i == arguments.size() && wants_help) return arguments;
    arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(i), "tunnel");
    return arguments;
}

outcome<void> refuse_empty(std::span<const std::string> arguments) {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto& argument = arguments[i];
        if (argument.empty() && (i == 0 || !is_flag(arguments[i - 1])))
            return failure(errc::usage, "An argument is empty", "A variable of the shell may be unset");
        const bool cut = is_flag(argument) && argument.ends_with('=');
        if (argument.empty() || cut)
            return failure(errc::usage, flag_name(cut ? argument : arguments[i - 1]) + " has an empty value",
                           "A variable of the shell may be unset");
    }
    return {};
}

// What stands behind -- in `mcp -- COMMAND` is another program's: nothing of it is ours to read, or to find wrong.
words take_child_command(words& arguments) {
    const auto mark = std::ranges::find(arguments, "--");
    if (mark == arguments.end() || std::find(arguments.begin(), mark, "mcp") == mark) return {};
    words child(mark + 1, arguments.end());
    arguments.erase(mark, arguments.end());
    return child;
}

// The innermost command that was named.
const CLI::App& named_command(const CLI::App& root) {
    const CLI::App* app = &root;
    while (!app->get_subcommands().empty())
        app = app->get_subcommands().front();
    return *app;
}

std::string path_of(const CLI::App& app) {
    if (app.get_parent() == nullptr) return {};
    const auto above = path_of(*app.get_parent());
    return above.empty() ? app.get_name() : above + " " + app.get_name();
}

std::string see_help(const CLI::App& app) {
    const auto path = path_of(app);
    return path.empty() ? "See: instatunnel help" : "See: instatunnel help " + path;
}

void add_flag_names(const CLI::App& app, words& names) {
    for (const auto* option : app.get_options())
        for (const auto& name : option->get_lnames())
            names.push_back("--" + name);
}

failure unexpected(const CLI::App& root, const std::string& argument) {
    const auto& app = named_command(root);
    if (!is_flag(argument)) {
        if (app.get_subcommands(every_command).empty())
            return {errc::usage, shown(argument) + " is one word too many", see_help(app)};
        words names;
        for (const auto* sub : app.get_subcommands(every_command))
            names.push_back(sub->get_name());
        const auto near = nearest(argument, names);
        return {errc::usage, shown(argument) + " is not a command of " + path_of(app),
                near.empty() ? see_help(app) : "Did you mean: instatunnel " + path_of(app) + " " + near};
    }
    words names;
    for (const CLI::App* a = &app; a != nullptr; a = a->get_parent())
        add_flag_names(*a, names);
    const auto flag = flag_name(argument);
    const auto near = nearest(flag, names);
    const std::string what = "There is no flag " +
                             (flag.find("it_") == std::string::npos ? printable(flag) : "like that") +
                             (path_of(app).empty() ? "" : " of " + path_of(app));
    return {errc::usage, what, near.empty() ? see_help(app) : "Did you mean: " + near};
}

failure missing_command(const CLI::App& app) {
    std::string names;
    for (const auto* sub : app.get_subcommands(every_command))
        names += (names.empty() ? "" : ", ") + sub->get_name();
    return {errc::usage, path_of(app) + " needs one of: " + names, see_help(app)};
}

// The library names the flag before a colon, and then speaks of counts.
failure wrong_count(const CLI::App& app, std::string_view library_text) {
    const std::string name(library_text.substr(0, library_text.find(':')));
    const CLI::Option* option = nullptr;
    for (const CLI::App* a = &app; a != nullptr && option == nullptr; a = a->get_parent())
        option = a->get_option_no_throw(name);
    if (option != nullptr && option->count() > 1)
        return {errc::usage, name + " is given more than once", see_help(app)};
    const auto value = option != nullptr ? " " + option->get_type_name() : "";
    return {errc::usage, printable(name) + " needs a value" + (value.empty() ? "" : ": " + name + value),
            see_help(app)};
}

// Conversion and validation texts of the library would repeat values, which may be secret.
failure translate(const CLI::App& root, const CLI::ParseError& error) {
    const auto& app = named_command(root);
    switch (static_cast<CLI::ExitCodes>(error.get_exit_code())) {
        case CLI::ExitCodes::ExtrasError: {
            const auto left = root.remaining(/*recurse=*/true);
            return unexpected(root, left.empty() ? std::string("-") : left.front());
        }
        case CLI::ExitCodes::RequiredError: {
            if (const auto left = root.remaining(/*recurse=*/true); !left.empty())
                return unexpected(root, left.front());
            if (!app.get_subcommands(every_command).empty()) return missing_command(app);
            return {errc::usage, printable(error.what()), see_help(app)};
        }
        case CLI::ExitCodes::ArgumentMismatch:
            return wrong_count(app, error.what());
        default:
            return {errc::usage, "A flag has a value that it cannot take", see_help(app)};
    }
}

words help_topic(const CLI::App& app) {
    words topic;
    for (const CLI::App* a = &app; a->get_parent() != nullptr; a = a->get_parent())
        topic.insert(topic.begin(), a->get_name());
    return topic;
}

void describe_options(const CLI::App& app, command_page& page) {
    for (const auto* option : app.get_options()) {
        if (option->get_group().empty()) continue;
        if (option->nonpositional()) {
            if (option == app.get_help_ptr() && app.get_parent() != nullptr) continue;
            std::string names;
            for (const auto& name : option->get_snames())
                names += (names.empty() ? "-" : ", -") + name;
            for (const auto& name : option->get_lnames())
                names += (names.empty() ? "--" : ", --") + name;
            if (option->get_items_expected_max() > 0) names += " " + option->get_type_name();
            page.flags.push_back({names, option->get_description()});
            continue;
        }
        std::string word = option->get_name(/*positional=*/true);
        page.flags.push_back({word, option->get_description()});
        if (option->get_items_expected_max() > 1) word += "…";
        if (!page.words.empty()) page.words += ' ';
        page.words += option->get_required() ? word : "[" + word + "]";
    }
}

void describe(const CLI::App& app, words examples, std::vector<command_page>& pages) {
    command_page page;
    page.path = path_of(app);
    page.summary = app.get_description();
    page.aliases = app.get_aliases();
    page.examples = std::move(examples);
    describe_options(app, page);
    for (const auto* sub : app.get_subcommands(every_command))
        page.subcommands.push_back(path_of(*sub));
    pages.push_back(std::move(page));
    for (const auto* sub : app.get_subcommands(every_command)) {
        words lines;
        for (const auto& line : CLI::detail::split(sub->get_footer(), '\n'))
            if (!line.empty()) lines.push_back(line);
        describe(*sub, std::move(lines), pages);
    }
}

}  // namespace

outcome<invocation> parse(std::span<const std::string> arguments) {
    invocation result;
    CLI::App root;
    define_commands(root, result);
    words ours(arguments.begin(), arguments.end());
    auto child = take_child_command(ours);
    if (auto whole = refuse_empty(ours); !whole) return whole.error();
    auto line = with_command(root, std::move(ours));
    if (!line) return line.error();
    std::ranges::reverse(*line);  // The library takes them from the back.
    try {
        root.parse(std::move(*line));
    } catch (const CLI::CallForHelp&) {
        result.command = help_options{help_topic(named_command(root)), false};
    } catch (const CLI::ParseError& error) {
        return translate(root, error);
    }
    if (!child.empty()) {
        auto* const open = std::get_if<open_options>(&result.command);
        if (open == nullptr || !open->stdio.wanted || !open->stdio.command.empty())
            return failure(errc::usage, "A command stands behind -- alone, and for mcp alone",
                           "See: instatunnel help mcp");
        open->stdio.command = std::move(child);
    }
    if (result.globals.version) result.command = version_options{};
    return result;
}

std::vector<command_page> describe_commands() {
    invocation unused;
    CLI::App root("A public https address for a program on localhost");
    define_commands(root, unused);
    std::vector<command_page> pages;
    describe(root, {"instatunnel 3000 --subdomain demo", "instatunnel demo", "instatunnel login"}, pages);
    return pages;
}

}  // namespace instatunnel::cli
