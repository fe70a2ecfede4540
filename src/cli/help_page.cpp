#include "help_page.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t text_width = 100;

struct exit_row {
    exit_code code;
    std::string_view meaning;
};
constexpr std::array<exit_row, 9> exit_rows = {{
    {exit_code::done, "done"},
    {exit_code::other, "other failure"},
    {exit_code::usage, "wrong usage, also a malformed key, name or target"},
    {exit_code::not_authenticated, "not authenticated: no key, or one that is invalid, revoked or expired"},
    {exit_code::not_permitted, "not permitted: scope or plan"},
    {exit_code::server_unreachable, "cannot reach the server"},
    {exit_code::name_unavailable, "name or resource taken, or not found"},
    {exit_code::rate_limited, "rate limited"},
    {exit_code::target_unreachable, "the local target cannot be reached where that is what was asked"},
}};

// Characters, not bytes: the texts hold an ellipsis here and there.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string wrapped(std::string_view text, std::size_t indent) {
    std::string out;
    std::size_t column = indent;
    while (!text.empty()) {
        const auto end = std::min(text.find(' '), text.size());
        const auto word = text.substr(0, end);
        if (column > indent && column + 1 + width(word) > text_width) {
            out += '\n' + std::string(indent, ' ');
            column = indent;
        } else if (column > indent) {
            out += ' ';
            ++column;
        }
        out += word;
        column += width(word);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::string rows(std::string_view title, std::span<const flag_help> list) {
    if (list.empty()) return {};
    std::size_t widest = 0;
    for (const auto& [names, text] : list)
        widest = std::max(widest, width(names));
    std::string out = "\n" + std::string(title) + ":\n";
    for (const auto& [names, text] : list)
        out += "  " + names + std::string(widest - width(names) + 2, ' ') + wrapped(text, widest + 4) + '\n';
    return out;
}

std::string usage_line(const command_page& page) {
    std::string line = "instatunnel";
    if (page.path.empty()) return line + " [TARGET | COMMAND] [FLAGS]";
    line += " " + page.path;
    if (!page.subcommands.empty()) return line + " COMMAND";
    if (!page.words.empty()) line += " " + page.words;
    return line + " [FLAGS]";
}

std::vector<flag_help> command_rows(const command_page& page, std::span<const command_page> pages) {
    std::vector<flag_help> list;
    for (const auto& path : page.subcommands)
        if (const auto* sub = find_page(pages, path); sub != nullptr) list.push_back({path, sub->summary});
    return list;
}

std::string section(const command_page& page, std::span<const command_page> pages) {
    std::string out = "\n## " + page.path + "\n\n" + page.summary + ".\n\n```\n" + usage_line(page) + "\n```\n";
    if (!page.aliases.empty()) {
        out += "\nAlso:";
        for (const auto& alias : page.aliases)
            out += " `instatunnel " + alias + "`";
        out += '\n';
    }
    if (!page.examples.empty()) {
        out += "\nExamples:\n\n```\n";
        for (const auto& example : page.examples)
            out += example + '\n';
        out += "```\n";
    }
    const auto subcommands = command_rows(page, pages);
    if (!subcommands.empty()) out += '\n';
    for (const auto& [name, text] : subcommands)
        out += "- `" + name + "`: " + text + '\n';
    if (!page.flags.empty()) out += "\n| argument | meaning |\n|---|---|\n";
    for (const auto& [names, text] : page.flags)
        out += "| `" + names + "` | " + text + " |\n";
    return out;
}

}  // namespace

const command_page* find_page(std::span<const command_page> pages, std::string_view path) {
    const auto matches = [&](const command_page& page) {
        return page.path == path || std::ranges::find(page.aliases, path) != page.aliases.end();
    };
    const auto found = std::ranges::find_if(pages, matches);
    return found == pages.end() ? nullptr : &*found;
}

std::string render_page(const command_page& page, std::span<const command_page> pages) {
    std::string out = page.summary + ".\n\nUsage: " + usage_line(page) + '\n';
    if (!page.examples.empty()) out += "\nExamples:\n";
    for (const auto& example : page.examples)
        out += "  " + example + '\n';
    out += rows("Commands", command_rows(page, pages));
    if (page.path.empty()) {
        if (const auto* tunnel = find_page(pages, "tunnel"); tunnel != nullptr) out += rows("Tunnel", tunnel->flags);
    } else {
        out += rows("Arguments", page.flags);
    }
    out += rows("Global flags", pages.front().flags);
    out += "\nMore: instatunnel help COMMAND, instatunnel help exit-codes\n";
    return out;
}

std::string render_exit_codes() {
    std::string out;
    for (const auto& [code, meaning] : exit_rows)
        out += std::to_string(static_cast<int>(code)) + "  " + std::string(meaning) + '\n';
    return out;
}

std::string render_markdown(std::span<const command_page> pages) {
    std::string out =
        "# Command line\n\n"
        "Printed by `instatunnel help --markdown`; a test compares this page with the program.\n\n"
        "```\n" +
        usage_line(pages.front()) +
        "\n```\n\n"
        "`instatunnel TARGET` is short for `instatunnel tunnel TARGET`. Global flags stand before or behind a "
        "command.\n"
        "Results go to stdout, everything else to stderr. Ctrl+C or Ctrl+D at a prompt ends with exit code 130.\n\n"
        "| global flag | meaning |\n|---|---|\n";
    for (const auto& [names, text] : pages.front().flags)
        out += "| `" + names + "` | " + text + " |\n";
    for (const auto& page : pages.subspan(1))
        out += section(page, pages);
    out += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
    for (const auto& [code, meaning] : exit_rows)
        out += "| " + std::to_string(static_cast<int>(code)) + " | " + std::string(meaning) + " |\n";
    return out;
}

}  // namespace instatunnel::cli
