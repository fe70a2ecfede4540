#include "wiped_buffer.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "instatunnel/base/form.hpp"

namespace instatunnel::api {
namespace {

constexpr std::size_t first_capacity = 4096;

void wipe(std::string& text) noexcept {
    OPENSSL_cleanse(text.data(), text.capacity());
    text.clear();
}

}  // namespace

wiped_buffer::~wiped_buffer() {
    wipe(text_);
}

wiped_buffer& wiped_buffer::append(std::string_view more) {
    if (text_.size() + more.size() > text_.capacity()) {
        std::string larger;
        larger.reserve(std::max({first_capacity, 2 * text_.capacity(), text_.size() + more.size()}));
        larger += text_;
        wipe(text_);
        text_.swap(larger);
    }
    text_ += more;
    return *this;
}

wiped_buffer& wiped_buffer::append_json(std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    append("\"");
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20) {
            const char escaped[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
            append({escaped, sizeof escaped});
        } else {
            if (c == '"' || c == '\\') append("\\");
            append({&c, 1});
        }
    }
    return append("\"");
}

wiped_buffer& wiped_buffer::append_form(std::string_view text) {
    // One character at a time: what is encoded never outgrows the text that std::string keeps inside itself.
    for (const char c : text)
        append(percent_encode({&c, 1}));
    return *this;
}

void wiped_buffer::drop(std::size_t count) {
    text_.erase(0, count);
}

secret wiped_buffer::take() {
    secret taken(std::move(text_));
    wipe(text_);
    return taken;
}

}  // namespace instatunnel::api
