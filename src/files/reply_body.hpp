#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "byte_ranges.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/engine/session.hpp"

namespace instatunnel::files {

/// The body of a reply: texts and pieces of one file, in turn. Read as the stream takes it, so that a body of any size
/// is never in memory as a whole.
class reply_body {
public:
    void clear();
    void add_text(std::string text);
    void add_piece(byte_range piece);
    void set_file(unique_fd file) { file_ = std::move(file); }

    std::uint64_t size() const noexcept;
    /// Memory of the texts, in bytes.
    std::size_t held() const noexcept { return held_; }

    enum class progress : std::uint8_t {
        done,     ///< everything is queued on the stream
        paused,   ///< the stream is congested: go on when it has drained
        more,     ///< others have their turn now: go on after them
        refused,  ///< the stream takes nothing any more
        cut,      ///< the file is shorter than it was, or cannot be read
    };
    progress send(engine::stream& to);

private:
    struct part {
        std::string text;
        byte_range piece;
    };
    progress send_text(engine::stream& to, std::string_view text);
    progress send_piece(engine::stream& to, const byte_range& piece);

    unique_fd file_;
    std::vector<part> parts_;
    std::size_t current_ = 0;
    std::uint64_t done_ = 0;  ///< of the current part
    std::size_t turn_bytes_ = 0;
    std::size_t held_ = 0;
};

}  // namespace instatunnel::files
