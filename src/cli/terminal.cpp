#include "terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "json_line.hpp"

namespace instatunnel::cli {
namespace {

constexpr int reader_patience_ms = 100;

const char* code_of(style s) {
    switch (s) {
        case style::good:
            return "32";
        case style::notice:
            return "36";
        case style::warning:
            return "33";
        case style::bad:
            return "31";
        case style::faint:
            return "2";
        case style::plain:
            break;
    }
    return "0";
}

std::string sentence(const failure& f) {
    std::string text = "Error: " + printable(f.what());
    const auto next = printable(f.what_next());
    if (next.empty()) return text;
    if (!text.ends_with('.')) text += '.';
    return text + ' ' + next;
}

}  // namespace

terminal_traits terminal::detect(int in, int out, int err) {
    terminal_traits traits;
    traits.in_is_tty = ::isatty(in) == 1;
    traits.out_is_tty = ::isatty(out) == 1;
    traits.err_is_tty = ::isatty(err) == 1;
    return traits;
}

void terminal::write_line(int fd, std::string_view line) {
    std::string text(line);
    text += '\n';
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto n = ::write(fd, rest.data(), rest.size());
        if (n >= 0) {
            rest.remove_prefix(static_cast<std::size_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            pollfd ready{fd, POLLOUT, 0};
            (void)::poll(&ready, 1, -1);
            continue;
        }
        if (fd == out_) output_closed_ = true;
        return;
    }
}

void terminal::offer(std::string_view lines, std::uint64_t count) {
    pollfd ready{out_, POLLOUT, 0};
    if (::poll(&ready, 1, stuck_ ? 0 : reader_patience_ms) == 0) {
        stuck_ = true;
        dropped_ += count;
        return;
    }
    stuck_ = false;
    result(lines);
}

void terminal::notice(std::string_view line) {
    if (!traits_.json) complain(line);
}

void terminal::report(const failure& f) {
    if (traits_.json) {
        result(json_line("error")
                   .with("code", code_name(f.code))
                   .with("message", printable(f.what()))
                   .with("hint", printable(f.what_next()))
                   .text());
        return;
    }
    complain(sentence(f));
}

std::size_t terminal::columns() const noexcept {
    winsize size{};
    return ::ioctl(err_, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

std::string terminal::paint(style s, std::string_view text) const {
    if (s == style::plain || !has_colour()) return std::string(text);
    return std::string("\x1b[") + code_of(s) + 'm' + std::string(text) + "\x1b[0m";
}

outcome<std::string> terminal::read_input(std::size_t limit) {
    std::string text;
    text.reserve(limit + 1);
    while (text.size() <= limit) {
        char block[1024];
        const auto n = ::read(in_, block, sizeof block);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failure(errc::file_io, std::string("Cannot read standard input: ") + std::strerror(errno));
        if (n == 0) return text;
        text.append(block, static_cast<std::size_t>(n));
    }
    return failure(errc::too_large, "Standard input holds more than " + std::to_string(limit) + " bytes");
}

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
        // C1 controls (U+0080 to U+009F) are C2 80 to C2 9F in UTF-8; some terminals obey them.
        const bool c1 = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
        clean += byte < 0x20 || byte == 0x7F || c1 ? '?' : text[i];
        if (c1) ++i;
    }
    return clean;
}

}  // namespace instatunnel::cli
