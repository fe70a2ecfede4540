#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"

namespace instatunnel::cli {

enum class style : std::uint8_t { plain, good, notice, warning, bad, faint };

/// What is known about the three streams and what the user wants; decides everything else.
struct terminal_traits {
    bool in_is_tty = false;
    bool out_is_tty = false;
    bool err_is_tty = false;
    bool no_color = false;  ///< NO_COLOR, TERM=dumb or --no-color
    bool json = false;      ///< --json: stdout holds one JSON object a line and nothing else
};

/// Owns the three streams and every question about them. Results go to stdout, talk goes to stderr; a line is one
/// write, so that whoever parses us sees whole lines at once. Thread-safe: a line never mixes with another one as long
/// as it fits a pipe's atomic write (4 KiB).
class terminal {
public:
    /// The descriptors stay the caller's. Nothing is written yet.
    terminal(int in, int out, int err, terminal_traits traits) : in_(in), out_(out), err_(err), traits_(traits) {}

    static terminal_traits detect(int in, int out, int err);

    bool json() const noexcept { return traits_.json; }
    /// A question may be asked: both ends of the conversation are a person's.
    bool can_prompt() const noexcept { return traits_.in_is_tty && traits_.out_is_tty && !traits_.json; }
    bool input_is_terminal() const noexcept { return traits_.in_is_tty; }
    bool talks_to_person() const noexcept { return traits_.err_is_tty && !traits_.json; }
    /// What a person sees and no program reads: a picture may be drawn on stderr.
    bool may_draw() const noexcept { return traits_.out_is_tty && talks_to_person(); }
    bool has_colour() const noexcept { return traits_.out_is_tty && !traits_.no_color && !traits_.json; }
    /// Width of stderr's terminal in characters; 0: unknown.
    std::size_t columns() const noexcept;

    /// One line on stdout; waits for a slow reader.
    void result(std::string_view line) { write_line(out_, line); }
    /// Lines on stdout (`count` of them, joined by line ends) that may be left out: a reader that has not read for 100
    /// ms must not stall a tunnel. Lines that were left out are counted in dropped().
    void offer(std::string_view lines, std::uint64_t count = 1);
    /// One line on stderr; nothing with --json, where events say the same.
    void notice(std::string_view line);
    /// One line on stderr, always.
    void complain(std::string_view line) { write_line(err_, line); }
    /// The failure as `Error: what. why. next` on stderr, and with --json as an event on stdout.
    void report(const failure& f);

    /// `text` in colour when stdout is a terminal that wants it.
    std::string paint(style s, std::string_view text) const;

    /// Standard input up to its end, at most `limit` bytes (too_large beyond).
    outcome<std::string> read_input(std::size_t limit);

    /// Whoever read stdout has gone: nobody waits for a result any more.
    bool output_closed() const noexcept { return output_closed_; }
    std::uint64_t dropped() const noexcept { return dropped_; }

    int input() const noexcept { return in_; }
    int output() const noexcept { return out_; }

private:
    void write_line(int fd, std::string_view line);

    int in_;
    int out_;
    int err_;
    terminal_traits traits_;
    // A tunnel prints from its own thread while the command prints from the main one.
    std::atomic<bool> output_closed_ = false;
    std::atomic<bool> stuck_ = false;
    std::atomic<std::uint64_t> dropped_ = 0;
};

/// Control characters become '?': text from the network must not be able to drive a terminal.
std::string printable(std::string_view text);

}  // namespace instatunnel::cli
