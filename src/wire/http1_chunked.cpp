#include <algorithm>

#include "http1_scan.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::wire {
namespace {

constexpr std::uint64_t max_chunk = std::uint64_t{1} << 60;
constexpr std::uint8_t max_size_digits = 16;
constexpr std::size_t max_extension = 1024;
constexpr std::size_t max_trailers = 8 * 1024;

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    const int lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

void chunked_decoder::reset() noexcept {
    state_ = state::size_start;
    size_digits_ = 0;
    remaining_ = 0;
    extension_bytes_ = 0;
    line_start_ = 0;
    trailers_.clear();
    reason_ = {};
}

chunked_decoder::step chunked_decoder::next(std::string_view input) {
    std::size_t used = 0;
    while (state_ != state::done && state_ != state::failed && used < input.size()) {
        if (state_ == state::body) {
            const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, input.size() - used));
            remaining_ -= length;
            if (remaining_ == 0) state_ = state::body_cr;
            return {event::data, used + length, input.substr(used, length)};
        }
        on_framing_byte(input[used]);
        ++used;
    }
    if (state_ == state::failed) return {event::invalid, used, {}};
    return {state_ == state::done ? event::done : event::need_more, used, {}};
}

void chunked_decoder::fail(std::string_view reason) noexcept {
    state_ = state::failed;
    reason_ = reason;
}

void chunked_decoder::on_framing_byte(char c) {
    switch (state_) {
        case state::size_start:
        case state::size:
            return on_size_byte(c);
        case state::size_lf:
            return c == '\n' ? begin_chunk() : fail("bare CR behind a chunk size");
        case state::body_cr:
            if (c == '\r')
                state_ = state::body_lf;
            else if (c == '\n' && lenient_)
                state_ = state::size_start;
            else
                fail("chunk that is longer than its size");
            return;
        case state::body_lf:
            if (c != '\n') return fail("bare CR behind a chunk");
            state_ = state::size_start;
            return;
        case state::trailer_line:
            return on_trailer_byte(c);
        case state::trailer_lf:
            return c == '\n' ? end_trailer_line() : fail("bare CR in a trailer");
        case state::end_lf:
            if (c != '\n') return fail("bare CR behind the trailers");
            state_ = state::done;
            return;
        case state::body:
        case state::done:
        case state::failed:
            return;
        default:
            return on_extension_byte(c);
    }
}

void chunked_decoder::on_size_byte(char c) {
    const int digit = hex_value(c);
    if (digit >= 0) {
        // Leading zeros are digits as well: without a bound a size could go on for ever.
        if (size_digits_ == max_size_digits || remaining_ > max_chunk >> 4) return fail("chunk size too large");
        remaining_ = remaining_ << 4 | static_cast<std::uint64_t>(digit);
        if (remaining_ > max_chunk) return fail("chunk size too large");
        ++size_digits_;
        state_ = state::size;
        return;
    }
    if (state_ == state::size_start) return fail("chunk without a size");
    if (c != ';') return end_size_line(c, "byte that is not allowed in a chunk size");
    extension_bytes_ = 0;
    state_ = state::extension_name_start;
}

// chunk-ext = *( ";" token [ "=" ( token / quoted-string ) ] ), RFC 9112 §7.1.1, without its optional bad whitespace.
void chunked_decoder::on_extension_byte(char c) {
    static constexpr std::string_view malformed = "malformed chunk extension";
    if (++extension_bytes_ > max_extension) return fail("chunk extension too long");
    const bool token = http1::is(c, http1::token_byte);
    switch (state_) {
        case state::extension_name_start:
            return token ? move_to(state::extension_name) : fail(malformed);
        case state::extension_name:
            if (token) return;
            if (c == '=') return move_to(state::extension_value_start);
            break;
        case state::extension_value_start:
            if (c == '"') return move_to(state::extension_quoted);
            return token ? move_to(state::extension_value) : fail(malformed);
        case state::extension_value:
            if (token) return;
            break;
        case state::extension_quoted:
            if (c == '"') return move_to(state::extension_quoted_end);
            if (c == '\\') return move_to(state::extension_escaped);
            return http1::is(c, http1::value_byte) ? void() : fail(malformed);
        case state::extension_escaped:
            return http1::is(c, http1::value_byte) ? move_to(state::extension_quoted) : fail(malformed);
        default:
            break;
    }
    if (c == ';') return move_to(state::extension_name_start);
    end_size_line(c, malformed);
}

void chunked_decoder::end_size_line(char c, std::string_view otherwise) {
    if (c == '\r') return move_to(state::size_lf);
    if (c != '\n') return fail(otherwise);
    return lenient_ ? begin_chunk() : fail("bare LF behind a chunk size");
}

void chunked_decoder::begin_chunk() noexcept {
    size_digits_ = 0;
    state_ = remaining_ > 0 ? state::body : state::trailer_line;
}

void chunked_decoder::on_trailer_byte(char c) {
    const bool empty_line = trailers_.size() == line_start_;
    if (c == '\r') return move_to(empty_line ? state::end_lf : state::trailer_lf);
    if (c == '\n') {
        if (!lenient_) return fail("bare LF in a trailer");
        return empty_line ? move_to(state::done) : end_trailer_line();
    }
    if (!http1::is(c, http1::value_byte)) return fail("control byte in a trailer");
    // Room for the line end, so that the whole stays within the bound.
    if (trailers_.size() + 2 >= max_trailers) return fail("trailers too long");
    trailers_ += c;
}

void chunked_decoder::end_trailer_line() {
    const auto line = std::string_view(trailers_).substr(line_start_);
    if (!is_token(line.substr(0, line.find(':'))) || line.find(':') == std::string_view::npos)
        return fail("malformed trailer");
    trailers_ += "\r\n";
    line_start_ = trailers_.size();
    state_ = state::trailer_line;
}

}  // namespace instatunnel::wire
