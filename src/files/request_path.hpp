#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace instatunnel::files {

/// The path of a request, decoded to the name of a file below the shared directory. Reused: its string keeps its room.
struct request_path {
    std::string file;              ///< segments joined by '/', none of them empty, "." or ".."; empty: the directory
    bool wants_directory = false;  ///< ended in a slash
    bool is_hidden = false;        ///< a segment starts with a dot; `/.well-known` is meant to be seen (RFC 8615)
    bool has_extension = false;    ///< the last segment has a dot
};

enum class path_verdict : std::uint8_t {
    good,
    malformed,  ///< no path that a client may send: 400
    absent,     ///< no file can have this name: 404
};

/// Decodes the path of an origin-form target (RFC 9112 §3.2.1), the query left out. Percent-encoding is undone once and
/// in segments: an encoded slash never parts them. Empty segments count for nothing. Malformed: no leading slash, a
/// percent sign without two hex digits, NUL, a segment "." or ".." however it is written. Absent: an encoded slash.
path_verdict decode_path(std::string_view target, request_path& out);

}  // namespace instatunnel::files
