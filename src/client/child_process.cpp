#include "child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace instatunnel::client {
namespace {

constexpr std::chrono::milliseconds exit_delay{300};

struct pipe_pair {
    unique_fd reading, writing;
    bool open() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return false;
        reading.reset(ends[0]);
        writing.reset(ends[1]);
        return true;
    }
};

// Ours alone: the child's end is another description, and programs expect it to block.
void make_nonblocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/// What the child must not inherit of us: descriptors, blocked and ignored signals, our process group.
class child_setting {
public:
    child_setting(int input, int output) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, STDERR_FILENO + 1);
        ::posix_spawnattr_init(&attributes_);
        sigset_t none, ours;
        ::sigemptyset(&none);
        ::sigemptyset(&ours);
        for (const int number : {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP})
            ::sigaddset(&ours, number);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &ours);
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        ::posix_spawnattr_setflags(
            &attributes_, static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    }
    ~child_setting() {
        ::posix_spawnattr_destroy(&attributes_);
        ::posix_spawn_file_actions_destroy(&actions_);
    }
    child_setting(const child_setting&) = delete;
    child_setting& operator=(const child_setting&) = delete;

    int run(pid_t& child, std::vector<std::string>& command) const {
        std::vector<char*> arguments;
        for (auto& word : command)
            arguments.push_back(word.data());
        arguments.push_back(nullptr);
        return ::posix_spawnp(&child, arguments[0], &actions_, &attributes_, arguments.data(), environ);
    }

private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

std::string describe_end(int status) {
    if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
    return "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

child_process::child_process(net::event_loop& loop, child_events& events)
    : loop_(loop),
      events_(&events),
      timer_(
          loop, [](void* self) { static_cast<child_process*>(self)->on_timer(); }, this) {}

outcome<std::unique_ptr<child_process>> child_process::start(net::event_loop& loop, std::vector<std::string> command,
                                                             child_events& events) {
    std::unique_ptr<child_process> made(new child_process(loop, events));
    if (auto spawned = made->spawn(command); !spawned) return spawned.error();
    return made;
}

outcome<void> child_process::spawn(std::vector<std::string>& command) {
    pipe_pair in, out;
    if (!in.open() || !out.open()) return failure(errc::file_io, "No pipe can be opened for " + command.front());
    const child_setting setting(in.reading.get(), out.writing.get());
    if (const int why = setting.run(pid_, command); why != 0)
        return failure(errc::target_unreachable, "Cannot start " + command.front() + ": " + std::strerror(why),
                       "Check the command behind --");
    running_ = true;
    input_ = std::move(in.writing);
    output_ = std::move(out.reading);
    exit_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    make_nonblocking(input_.get());
    make_nonblocking(output_.get());
    if (!exit_ || !loop_.watch(input_.get(), input_slot_) || !loop_.watch(output_.get(), output_slot_) ||
        !loop_.watch(exit_.get(), exit_slot_))
        return failure(errc::file_io, "The started program cannot be watched");
    return {};
}

child_process::~child_process() {
    close_pipes();
    if (exit_) loop_.forget(exit_slot_);
    if (!running_) return;
    hurry();
    const auto until = hurried_ + patience;
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (reap(/*wait=*/false)) break;
        if (left.count() <= 0) break;
        pollfd p{exit_.get(), POLLIN, 0};
        ::poll(&p, 1, static_cast<int>(left.count()));
    }
    if (!running_) return;
    signal_group(SIGKILL);
    reap(/*wait=*/true);
}

void child_process::hurry() noexcept {
    if (!running_ || hurried_ != std::chrono::steady_clock::time_point()) return;
    close_pipes();
    signal_group(SIGTERM);
    hurried_ = std::chrono::steady_clock::now();
}

void child_process::signal_group(int number) const noexcept {
    if (pid_ > 0) ::kill(-pid_, number);
}

// What it has started itself goes with it: as long as it is not collected, its group cannot be another one's.
bool child_process::reap(bool wait) noexcept {
    if (!running_) return true;
    siginfo_t info{};
    const auto options = WEXITED | WNOWAIT | (wait ? 0 : WNOHANG);
    while (::waitid(P_PID, static_cast<id_t>(pid_), &info, options) != 0 && errno == EINTR) {
    }
    if (info.si_pid == 0) return false;
    signal_group(SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    running_ = false;
    return true;
}

bool child_process::write_line(std::string_view line) {
    if (!input_ || queued_.size() - queued_sent_ + line.size() > max_queued) return false;
    queued_.append(line).append("\n");
    write_input();
    return true;
}

void child_process::write_input() {
    while (input_ && queued_sent_ < queued_.size()) {
        const auto n = ::write(input_.get(), queued_.data() + queued_sent_, queued_.size() - queued_sent_);
        if (n > 0) {
            queued_sent_ += static_cast<std::size_t>(n);
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            break;
        } else {
            // It has closed its input; what it still says, or its end, tells more.
            loop_.forget(input_slot_);
            input_.reset();
        }
    }
    if (queued_sent_ != queued_.size() && input_) return;
    queued_.clear();
    queued_sent_ = 0;
    if (queued_.capacity() > 64 * 1024) queued_ = {};
}

void child_process::read_output() {
    const auto space = loop_.scratch();
    while (output_) {
        const auto n = ::read(output_.get(), space.data(), space.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) {
            loop_.forget(output_slot_);
            output_.reset();
            // A server that cannot answer any more is none. Its end usually comes next, and tells more.
            if (events_ != nullptr && !ending_) timer_.arm(exit_delay);
            return;
        }
        if (events_ == nullptr) continue;
        std::string_view bytes(space.data(), static_cast<std::size_t>(n));
        while (events_ != nullptr && !bytes.empty()) {
            const auto end = bytes.find('\n');
            if (line_.size() + std::min(end, bytes.size()) > max_line) return gone("a message longer than 16 MiB");
            line_.append(bytes.substr(0, end));
            bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
            if (end == std::string_view::npos) break;
            const auto line = std::exchange(line_, {});
            if (line.find_first_not_of(" \t\r") != std::string::npos) events_->on_child_line(line);
        }
    }
}

void child_process::on_exit() {
    if (!reap(/*wait=*/false)) return;
    loop_.forget(exit_slot_);
    read_output();
    timer_.cancel();
    if (ending_) {
        close_pipes();
        loop_.retire(std::unique_ptr<net::retirable>(this));
        return;
    }
    gone(describe_end(status_));
}

void child_process::gone(const std::string& why) {
    if (auto* listener = std::exchange(events_, nullptr)) listener->on_child_gone(why);
}

void child_process::close_pipes() noexcept {
    if (input_) loop_.forget(input_slot_);
    if (output_) loop_.forget(output_slot_);
    input_.reset();
    output_.reset();
}

void child_process::end(std::unique_ptr<child_process> child) {
    if (child == nullptr) return;
    auto* self = child.get();
    self->events_ = nullptr;
    if (!self->running_) return self->loop_.retire(std::move(child));
    self->ending_ = true;
    if (self->input_) self->loop_.forget(self->input_slot_);
    self->input_.reset();
    self->timer_.arm(patience);
    self->loop_.keep(std::move(child));
}

void child_process::on_timer() {
    if (!ending_) return gone("its output was closed");
    signal_group(std::exchange(termed_, true) ? SIGKILL : SIGTERM);
    timer_.arm(patience);
}

}  // namespace instatunnel::client
