#include "completion.hpp"

#include <algorithm>

#include "nearest.hpp"
#include "parser.hpp"

namespace instatunnel::cli {
namespace {

/// One thing that can stand at a place of the line.
struct candidate {
    std::string word;
    std::string text;
};

bool takes_file(std::string_view names) {
    return names.ends_with(" PATH") || names.ends_with(" DIR");
}

bool takes_value(std::string_view names) {
    const auto end = names.rfind(' ');
    return end != std::string_view::npos && names.substr(end + 1).front() != '-';
}

// "-s, --subdomain NAME" → "-s", "--subdomain"; nothing for a positional.
std::vector<std::string> flag_words(std::string_view names) {
    std::vector<std::string> words;
    while (names.starts_with('-')) {
        const auto end = names.find_first_of(", ");
        words.emplace_back(names.substr(0, end));
        names.remove_prefix(std::min(names.find_first_not_of(", ", std::min(end, names.size())), names.size()));
    }
    return words;
}

void add_flags(const command_page& page, std::vector<candidate>& list) {
    for (const auto& [names, text] : page.flags)
        for (auto& word : flag_words(names))
            if (word.starts_with("--")) list.push_back({std::move(word), text});
}

std::string last_word(const std::string& path) {
    return path.substr(path.rfind(' ') + 1);
}

// What may follow the command of this page: its commands, its flags, the global flags.
std::vector<candidate> candidates(const command_page& page, std::span<const command_page> pages) {
    std::vector<candidate> list;
    for (const auto& path : page.subcommands)
        if (const auto* sub = find_page(pages, path); sub != nullptr) list.push_back({last_word(path), sub->summary});
    if (page.path.empty())
        if (const auto* tunnel = find_page(pages, "tunnel"); tunnel != nullptr) add_flags(*tunnel, list);
    if (!page.path.empty()) add_flags(page, list);
    add_flags(pages.front(), list);
    return list;
}

// Flags that are followed by a value, as a pattern of a case statement; those with or without a file.
std::string value_flags(std::span<const command_page> pages, bool with_file) {
    std::vector<std::string> seen;
    std::string pattern;
    for (const auto& page : pages)
        for (const auto& flag : page.flags) {
            if (!takes_value(flag.names) || takes_file(flag.names) != with_file) continue;
            for (const auto& word : flag_words(flag.names)) {
                if (std::ranges::find(seen, word) != seen.end()) continue;
                seen.push_back(word);
                pattern += (pattern.empty() ? "" : "|") + word;
            }
        }
    return pattern;
}

std::string shell_text(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

std::string command_paths(std::span<const command_page> pages) {
    std::string pattern;
    for (const auto& page : pages.subspan(1))
        pattern += (pattern.empty() ? "" : "|") + shell_text(page.path);
    return pattern;
}

// Shared by bash and zsh, whose words lie in arrays of different names.
std::string find_path(std::span<const command_page> pages, const std::string& indent) {
    return indent + "case \"${at:+$at }$word\" in\n" + indent + "    " + command_paths(pages) +
           ") at=\"${at:+$at }$word\" ;;\n" + indent + "esac\n";
}

std::string bash_script(std::span<const command_page> pages) {
    std::string out =
        "# bash completion for instatunnel, made by: instatunnel completion bash\n"
        "_instatunnel() {\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= word words= i\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        word=${COMP_WORDS[i]}\n" +
        find_path(pages, "        ") +
        "    done\n"
        "    case \"$prev\" in\n"
        "        " +
        value_flags(pages, /*with_file=*/true) +
        ") mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
        "        " +
        value_flags(pages, /*with_file=*/false) +
        ") COMPREPLY=(); return ;;\n"
        "    esac\n"
        "    case \"$at\" in\n";
    for (const auto& page : pages) {
        out += "        " + shell_text(page.path) + ") words='";
        std::string words;
        for (const auto& one : candidates(page, pages))
            words += (words.empty() ? "" : " ") + one.word;
        out += words + "' ;;\n";
    }
    out +=
        "    esac\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
        "}\n"
        "complete -F _instatunnel instatunnel it\n";
    return out;
}

std::string zsh_script(std::span<const command_page> pages) {
    std::string out =
        "#compdef instatunnel it\n"
        "# zsh completion for instatunnel, made by: instatunnel completion zsh\n"
        "_instatunnel() {\n"
        "    local at= word\n"
        "    local -a list\n"
        "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n" +
        find_path(pages, "        ") +
        "    done\n"
        "    case \"${words[CURRENT-1]}\" in\n"
        "        " +
        value_flags(pages, /*with_file=*/true) +
        ") _files; return ;;\n"
        "        " +
        value_flags(pages, /*with_file=*/false) +
        ") return ;;\n"
        "    esac\n"
        "    case \"$at\" in\n";
    for (const auto& page : pages) {
        out += "        " + shell_text(page.path) + ") list=(\n";
        // A colon ends the word in an entry of _describe.
        for (const auto& one : candidates(page, pages))
            out += "            " + shell_text(one.word + ":" + one.text) + "\n";
        out += "        ) ;;\n";
    }
    out +=
        "    esac\n"
        "    _describe 'instatunnel' list\n"
        "}\n"
        "if [ \"$funcstack[1]\" = _instatunnel ]; then _instatunnel \"$@\"; else compdef _instatunnel instatunnel it; "
        "fi\n";
    return out;
}

std::string fish_script(std::span<const command_page> pages) {
    std::string paths;
    for (const auto& page : pages.subspan(1))
        paths += " " + shell_text(page.path);
    std::string out =
        "# fish completion for instatunnel, made by: instatunnel completion fish\n"
        "function __instatunnel_at\n"
        "    set -l path\n"
        "    set -l tokens (commandline -opc)\n"
        "    for word in $tokens[2..-1]\n"
        "        set -l longer (string trim -- \"$path $word\")\n"
        "        if contains -- \"$longer\"" +
        paths +
        "\n"
        "            set path $longer\n"
        "        end\n"
        "    end\n"
        "    test \"$path\" = \"$argv[1]\"\n"
        "end\n"
        "for program in instatunnel it\n"
        "    complete -c $program -f\n";
    for (const auto& page : pages) {
        const std::string at = "    complete -c $program -n \"__instatunnel_at " + shell_text(page.path) + "\" ";
        for (const auto& path : page.subcommands)
            if (const auto* sub = find_page(pages, path); sub != nullptr)
                out += at + "-a " + last_word(path) + " -d " + shell_text(sub->summary) + "\n";
        for (const auto& [names, text] : page.flags) {
            std::string flag;
            for (const auto& word : flag_words(names))
                flag += word.starts_with("--") ? " -l " + word.substr(2) : " -s " + word.substr(1);
            if (flag.empty()) continue;
            const std::string value = !takes_value(names) ? "" : takes_file(names) ? " -r -F" : " -x";
            // Global flags work behind every command.
            out += (page.path.empty() ? std::string("    complete -c $program") : at.substr(0, at.size() - 1)) + flag +
                   value + " -d " + shell_text(text) + "\n";
        }
    }
    if (const auto* tunnel = find_page(pages, "tunnel"); tunnel != nullptr)
        for (const auto& [names, text] : tunnel->flags)
            for (const auto& word : flag_words(names))
                if (word.starts_with("--"))
                    out += "    complete -c $program -n \"__instatunnel_at ''\" -l " + word.substr(2) + " -d " +
                           shell_text(text) + "\n";
    return out + "end\n";
}

}  // namespace

outcome<std::string> render_completion(std::string_view shell, std::span<const command_page> pages) {
    if (shell == "bash") return bash_script(pages);
    if (shell == "zsh") return zsh_script(pages);
    if (shell == "fish") return fish_script(pages);
    const std::vector<std::string> shells = {"bash", "zsh", "fish"};
    const auto near = nearest(shell, shells);
    return failure(
        errc::usage, "There is no completion for \"" + printable(shell.substr(0, 40)) + "\"",
        near.empty() ? "There is one for bash, zsh and fish" : "Did you mean: instatunnel completion " + near);
}

outcome<exit_code> run_completion(const completion_options& options, context& c) {
    const auto pages = describe_commands();
    auto script = render_completion(options.shell, pages);
    if (!script) return script.error();
    script->pop_back();
    c.term.result(*script);
    return exit_code::done;
}

}  // namespace instatunnel::cli
