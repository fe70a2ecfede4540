#include "target_word.hpp"

#include <algorithm>
#include <filesystem>

namespace instatunnel::cli {
namespace {

bool is_directory_name(const std::string& word) {
    const bool is_number = std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
    std::error_code ignored;
    return !is_number && word.find(':') == std::string::npos && std::filesystem::is_directory(word, ignored);
}

outcome<client::target> read_directory(const std::string& word) {
    auto to = client::directory_target(word);
    std::error_code ignored;
    if (std::filesystem::is_regular_file(to.directory, ignored))
        return failure(errc::malformed_target, to.display + " is a file, not a directory",
                       "Name the directory that it is in: instatunnel .");
    if (auto usable = files::check_directory(to.directory, to.display); !usable) return usable.error();
    return to;
}

}  // namespace

bool is_path(const std::string& word) {
    if (word == "." || word == "..") return true;
    if (word.starts_with('/') || word.starts_with("./") || word.starts_with("../")) return true;
    return word.find('/') != std::string::npos && word.find(':') == std::string::npos;
}

outcome<client::target> read_target(const std::string& word, const directory_flags& flags) {
    if (is_path(word) || is_directory_name(word)) return read_directory(word);
    if (flags.any())
        return failure(errc::usage, "--spa, --no-listing and --dot-files are for a directory",
                       "Name one: instatunnel ./dist --spa");
    return client::parse_target(word);
}

}  // namespace instatunnel::cli
