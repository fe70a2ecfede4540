#include "prompter.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "instatunnel/base/names.hpp"
#include "terminal.hpp"

namespace instatunnel::cli {
namespace {

constexpr std::size_t max_line = 1024;
constexpr std::string_view hidden_line = "********\n";

volatile std::sig_atomic_t interrupted = 0;

void on_interrupt(int) {
    interrupted = 1;
}

/// While it lives, the signals that end a program only set a flag, and only inside wait_readable(): between its check
/// and its sleep none can be lost.
class interrupt_guard {
public:
    interrupt_guard() {
        interrupted = 0;
        sigset_t mask;
        ::sigemptyset(&mask);
        for (const int s : signals)
            ::sigaddset(&mask, s);
        ::pthread_sigmask(SIG_BLOCK, &mask, &old_mask_);
        open_mask_ = old_mask_;
        struct sigaction action {};
        action.sa_handler = on_interrupt;
        for (std::size_t i = 0; i < signals.size(); ++i) {
            ::sigdelset(&open_mask_, signals[i]);
            ::sigaction(signals[i], &action, &old_actions_[i]);
        }
    }
    ~interrupt_guard() {
        for (std::size_t i = 0; i < signals.size(); ++i)
            ::sigaction(signals[i], &old_actions_[i], nullptr);
        ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
    }
    interrupt_guard(const interrupt_guard&) = delete;
    interrupt_guard& operator=(const interrupt_guard&) = delete;

    /// False after a signal.
    bool wait_readable(int fd) const {
        pollfd ready{fd, POLLIN, 0};
        while (interrupted == 0)
            if (::ppoll(&ready, 1, nullptr, &open_mask_) > 0) return true;
        return false;
    }

private:
    static constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};
    sigset_t old_mask_{};
    sigset_t open_mask_{};
    std::array<struct sigaction, 3> old_actions_{};
};

/// Switches echo off and back on. Ctrl+Z is off as well: a stopped program would leave the shell without echo.
class hidden_input {
public:
    explicit hidden_input(int fd) : fd_(fd), known_(::tcgetattr(fd, &before_) == 0) {
        if (!known_) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
        quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
        // Not TCSAFLUSH: what was typed ahead is an answer too.
        ::tcsetattr(fd_, TCSADRAIN, &quiet);
    }
    ~hidden_input() {
        if (known_) ::tcsetattr(fd_, TCSADRAIN, &before_);
    }
    hidden_input(const hidden_input&) = delete;
    hidden_input& operator=(const hidden_input&) = delete;

private:
    int fd_;
    termios before_{};
    bool known_;
};

void write_text(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno != EINTR) return;
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
}

outcome<secret> read_line(const terminal& term, const interrupt_guard& guard) {
    std::string line;
    line.reserve(max_line);  // Never moved while it grows: a moved buffer would leave a copy behind.
    for (;;) {
        if (!guard.wait_readable(term.input())) return failure(errc::cancelled);
        char c = 0;
        const auto n = ::read(term.input(), &c, 1);
        if (n < 0 && errno == EINTR) continue;
        // Ctrl+D, or a terminal that went away: no answer will come, as after Ctrl+C.
        if (n <= 0) return failure(errc::cancelled);
        if (c == '\n') return secret(std::move(line));
        if (line.size() + 1 >= max_line) return failure(errc::usage, "The answer is too long");
        line += c;
    }
}

}  // namespace

outcome<std::string> terminal_prompter::ask(std::string_view label) {
    const interrupt_guard guard;
    write_text(term_.output(), label);
    auto line = read_line(term_, guard);
    if (!line) {
        write_text(term_.output(), "\n");
        return line.error();
    }
    return std::string(trim(line->reveal()));
}

outcome<secret> terminal_prompter::ask_hidden(std::string_view label) {
    // The guard first: a signal must never find the echo off and nobody to turn it on. Echo off before the label:
    // someone who types at the sight of it must not be seen.
    const interrupt_guard guard;
    const hidden_input quiet(term_.input());
    write_text(term_.output(), label);
    auto line = read_line(term_, guard);
    write_text(term_.output(), line ? hidden_line : "\n");
    return line;
}

}  // namespace instatunnel::cli
