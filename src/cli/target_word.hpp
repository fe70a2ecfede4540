#pragma once

#include <string>

#include "directory_flags.hpp"
#include "instatunnel/client/target.hpp"

namespace instatunnel::cli {

/// Whether a word is written like a path of a directory: with a slash and neither a scheme nor "unix:", or one of "."
/// and "..".
bool is_path(const std::string& word);

/// What TARGET means: a directory if it is written like a path or names an existing directory and is neither a number
/// nor HOST:PORT; else what client::parse_target says. A directory is checked at once.
/// Errors: those of parse_target and files::check_directory; malformed_target for a path that names a file; usage when
/// `flags` are given to something that is no directory.
outcome<client::target> read_target(const std::string& word, const directory_flags& flags);

}  // namespace instatunnel::cli
