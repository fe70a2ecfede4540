#include "reply_body.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace instatunnel::files {
namespace {

// Read or copied in one go, at most: a slow disk holds up the loop no longer than this takes.
constexpr std::size_t turn_limit = 128 * 1024;
constexpr std::size_t text_slice = 16 * 1024;

}  // namespace

void reply_body::clear() {
    file_.reset();
    parts_.clear();
    current_ = held_ = 0;
    done_ = 0;
}

void reply_body::add_text(std::string text) {
    held_ += text.size();
    parts_.push_back({std::move(text), {}});
}

void reply_body::add_piece(byte_range piece) {
    parts_.push_back({{}, piece});
}

std::uint64_t reply_body::size() const noexcept {
    std::uint64_t sum = 0;
    for (const auto& p : parts_)
        sum += p.text.size() + p.piece.length;
    return sum;
}

reply_body::progress reply_body::send(engine::stream& to) {
    turn_bytes_ = 0;
    while (current_ < parts_.size()) {
        const auto& p = parts_[current_];
        const auto result = p.piece.length == 0 ? send_text(to, p.text) : send_piece(to, p.piece);
        if (result != progress::done) return result;
        ++current_;
        done_ = 0;
    }
    return progress::done;
}

reply_body::progress reply_body::send_text(engine::stream& to, std::string_view text) {
    while (done_ < text.size()) {
        if (to.is_congested()) return progress::paused;
        if (to.send_finished()) return progress::refused;
        if (turn_bytes_ >= turn_limit) return progress::more;
        const auto slice = text.substr(done_, text_slice);
        to.write(slice);
        done_ += slice.size();
        turn_bytes_ += slice.size();
    }
    return progress::done;
}

// From the file into the memory of the frame, nothing in between.
reply_body::progress reply_body::send_piece(engine::stream& to, const byte_range& piece) {
    while (done_ < piece.length) {
        if (to.is_congested()) return progress::paused;
        if (turn_bytes_ >= turn_limit) return progress::more;
        const auto room = to.reserve();
        if (room.empty()) return progress::refused;
        const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), piece.length - done_));
        ssize_t got = -1;
        do
            got = ::pread(file_.get(), room.data(), wanted, static_cast<off_t>(piece.first + done_));
        while (got < 0 && errno == EINTR);
        to.commit(got > 0 ? static_cast<std::size_t>(got) : 0);
        if (got <= 0) return progress::cut;
        done_ += static_cast<std::uint64_t>(got);
        turn_bytes_ += static_cast<std::size_t>(got);
    }
    return progress::done;
}

}  // namespace instatunnel::files
