#include "instatunnel/net/dial.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/net/resolver.hpp"

namespace instatunnel::net {
namespace {

using clock = std::chrono::steady_clock;

constexpr auto attempt_delay = std::chrono::milliseconds(250);
constexpr std::size_t max_attempts = 16;

/// Right after a connect to a port where nobody listens, the kernel may pick that very port as the source: the socket
/// then talks to itself and looks connected.
bool is_connected_to_itself(int fd) {
    sockaddr_storage local{};
    sockaddr_storage remote{};
    socklen_t local_size = sizeof local;
    socklen_t remote_size = sizeof remote;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size) != 0) return false;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &remote_size) != 0) return false;
    return local_size == remote_size && std::memcmp(&local, &remote, local_size) == 0;
}

/// All attempts to reach one endpoint; the first that connects wins, the others are closed with this object.
class race {
public:
    explicit race(std::vector<socket_address> addresses) : addresses_(std::move(addresses)) {
        if (addresses_.size() > max_attempts) addresses_.resize(max_attempts);
    }

    /// A connected socket, or none when every attempt failed (`error()` says why) or the time is over (`error()` is 0).
    unique_fd run(clock::time_point deadline) {
        for (auto now = clock::now(); now < deadline; now = clock::now()) {
            if (may_start(now)) {
                start(now);
            } else if (active_.empty()) {
                return {};
            } else {
                wait(std::min(deadline, next_ < addresses_.size() ? next_start_ : deadline) - now);
            }
            if (winner_) return std::move(winner_);
        }
        error_ = 0;
        return {};
    }

    int error() const noexcept { return error_; }

private:
    bool may_start(clock::time_point now) const {
        return next_ < addresses_.size() && (active_.empty() || now >= next_start_);
    }

    void start(clock::time_point now) {
        const auto& to = addresses_[next_++];
        next_start_ = now + attempt_delay;
        unique_fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!fd) return failed(errno);
        if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0)
            return connected(std::move(fd));
        if (errno != EINPROGRESS && errno != EINTR) return failed(errno);
        active_.push_back(std::move(fd));
    }

    void wait(clock::duration time) {
        std::vector<pollfd> waits;
        for (const auto& fd : active_)
            waits.push_back({fd.get(), POLLOUT, 0});
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
        if (::poll(waits.data(), waits.size(), static_cast<int>(std::clamp<long long>(ms, 0, 60'000))) <= 0) return;
        for (std::size_t i = waits.size(); i-- > 0;) {
            if (waits[i].revents == 0) continue;
            unique_fd fd = std::move(active_[i]);
            active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(i));
            int error = 0;
            socklen_t size = sizeof error;
            if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
            if (error == 0) {
                connected(std::move(fd));
            } else {
                failed(error);
            }
        }
    }

    void connected(unique_fd fd) {
        if (is_connected_to_itself(fd.get())) return failed(ECONNREFUSED);
        winner_ = std::move(fd);
    }

    void failed(int error) {
        // A family that this machine does not have explains nothing when another address was really tried.
        const auto is_weak = [](int e) { return e == ENETUNREACH || e == EADDRNOTAVAIL || e == EAFNOSUPPORT; };
        if (error_ == 0 || is_weak(error_)) error_ = error;
        next_start_ = clock::now();
    }

    std::vector<socket_address> addresses_;
    std::vector<unique_fd> active_;
    unique_fd winner_;
    std::size_t next_ = 0;
    clock::time_point next_start_{};
    int error_ = 0;
};

void leave_no_delay(int fd) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::string display(const endpoint_name& to) {
    const bool is_v6 = to.host.find(':') != std::string::npos;
    return (is_v6 ? "[" + to.host + "]" : to.host) + ":" + std::to_string(to.port);
}

}  // namespace

outcome<unique_fd> dial(const endpoint_name& to, std::chrono::milliseconds limit) {
    const auto deadline = clock::now() + limit;
    auto addresses = resolve(to.host, to.port, deadline);
    if (!addresses) return addresses.error();

    race attempts(std::move(*addresses));
    auto fd = attempts.run(deadline);
    if (!fd && attempts.error() == 0)
        return failure(errc::connect_timeout, display(to) + " did not accept the connection within " + to_human(limit));
    if (!fd) {
        const auto reason = std::generic_category().message(attempts.error());
        return failure(errc::server_unreachable, "Cannot reach " + display(to) + ": " + reason);
    }
    leave_no_delay(fd.get());
    return fd;
}

result<unique_fd> dial_address(const socket_address& to, std::chrono::milliseconds limit) {
    race attempts({to});
    auto fd = attempts.run(clock::now() + limit);
    if (!fd && attempts.error() == 0) return make_error_code(errc::connect_timeout);
    if (!fd) return boost::system::error_code(attempts.error(), boost::system::system_category());
    leave_no_delay(fd.get());
    return fd;
}

}  // namespace instatunnel::net
