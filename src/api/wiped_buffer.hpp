#pragma once

#include <string>
#include <string_view>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::api {

/// Text that grows and leaves nothing behind: a std::string would free its old memory unwiped whenever it moves.
class wiped_buffer {
public:
    wiped_buffer() = default;
    wiped_buffer(wiped_buffer&& other) noexcept : text_(std::move(other.text_)) {}
    wiped_buffer(const wiped_buffer&) = delete;
    wiped_buffer& operator=(wiped_buffer&&) = delete;
    ~wiped_buffer();

    wiped_buffer& append(std::string_view more);
    /// A JSON string (RFC 8259 §7), so that a password never passes through a library's memory, which nobody wipes.
    wiped_buffer& append_json(std::string_view text);
    /// A value of a form (application/x-www-form-urlencoded), for the same reason.
    wiped_buffer& append_form(std::string_view text);
    /// Takes bytes off the front.
    void drop(std::size_t count);

    char* data() noexcept { return text_.data(); }
    std::size_t size() const noexcept { return text_.size(); }
    bool empty() const noexcept { return text_.empty(); }
    std::string_view view() const noexcept { return text_; }
    /// Gives the content away without a copy; the buffer is empty then.
    secret take();

private:
    std::string text_;
};

}  // namespace instatunnel::api
