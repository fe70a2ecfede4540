#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/event_loop.hpp"

namespace instatunnel::client {

class child_process;

class child_events {
public:
    /// A line of its standard output, without the end.
    virtual void on_child_line(std::string_view line) = 0;
    /// It has ended, or must: `why` says how ("exit status 1", "signal 9"). Nothing comes after this.
    virtual void on_child_gone(const std::string& why) = 0;

protected:
    ~child_events() = default;
};

/// A program with pipes at its standard input and output and our standard error, in a process group of its own and with
/// no other descriptor of ours. One loop's thread.
///
/// End: its input is closed; SIGTERM to the group after `patience`, SIGKILL after as much again.
class child_process final : public net::retirable {
public:
    static constexpr std::size_t max_line = 16 * 1024 * 1024;
    static constexpr std::size_t max_queued = 32 * 1024 * 1024;
    static constexpr std::chrono::milliseconds patience{2'000};

    /// `events` outlives it or end(). Errors: not_found, if there is no such program.
    static outcome<std::unique_ptr<child_process>> start(net::event_loop& loop, std::vector<std::string> command,
                                                         child_events& events);
    /// Ends what is still running, at once.
    ~child_process() override;

    /// Queues a line for its input. False: it does not read what it is sent.
    bool write_line(std::string_view line);
    /// Ends it as said above; it stays on the loop until then, and says nothing any more.
    static void end(std::unique_ptr<child_process> child);
    /// For a loop that is about to stop: all children are told, and then have `patience` together.
    void hurry() noexcept;
    pid_t pid() const noexcept { return pid_; }

private:
    struct slot final : net::io_slot {
        slot(child_process& o, void (child_process::*f)()) : owner(o), fn(f) {}
        void on_io(std::uint32_t) override { (owner.*fn)(); }
        child_process& owner;
        void (child_process::*fn)();
    };
    child_process(net::event_loop& loop, child_events& events);
    outcome<void> spawn(std::vector<std::string>& command);
    void read_output();
    void write_input();
    void on_exit();
    void on_timer();
    void gone(const std::string& why);
    void close_pipes() noexcept;
    bool reap(bool wait) noexcept;
    void signal_group(int number) const noexcept;

    net::event_loop& loop_;
    child_events* events_;  ///< null: nobody listens any more
    pid_t pid_ = -1;
    bool running_ = false;
    int status_ = 0;
    unique_fd input_, output_, exit_;
    slot input_slot_{*this, &child_process::write_input};
    slot output_slot_{*this, &child_process::read_output};
    slot exit_slot_{*this, &child_process::on_exit};
    net::timer timer_;
    std::string queued_;
    std::size_t queued_sent_ = 0;
    std::string line_;
    bool termed_ = false;
    bool ending_ = false;
    std::chrono::steady_clock::time_point hurried_{};
};

}  // namespace instatunnel::client
