#pragma once

#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::cli {

/// Puts the text on the desktop's clipboard with the first of wl-copy, xclip, xsel, pbcopy and clip.exe that works. The
/// text travels through a pipe, never as an argument. Errors: file_missing (none of them is there or works).
outcome<void> copy_to_clipboard(std::string_view text);

}  // namespace instatunnel::cli
