#include "instatunnel/app/sample_site.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <list>
#include <system_error>
#include <thread>
#include <vector>

#include "sample_connection.hpp"

namespace instatunnel::app {
namespace {

using clock = sample_connection::clock;

constexpr std::size_t max_connections = 512;
constexpr int backlog = 128;
constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto longest_wait = std::chrono::seconds(30);

failure no_listener() {
    return {errc::address_in_use,
            "The sample site cannot listen on 127.0.0.1: " + std::generic_category().message(errno),
            "Forward a program of yours instead: instatunnel demo 3000"};
}

class site final : public sample_site {
public:
    site(unique_fd listener, unique_fd wake, std::uint16_t port)
        : listener_(std::move(listener)), wake_(std::move(wake)), port_(port), thread_([this] { run(); }) {}

    ~site() override {
        const std::uint64_t one = 1;
        // Cannot fail: the counter of an eventfd that is written once is far from full.
        [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
        thread_.join();
    }

    std::uint16_t port() const noexcept override { return port_; }

private:
    void run() {
        for (;;) {
            collect_waits();
            ::poll(waits_.data(), waits_.size(), wait_ms());
            if (waits_[0].revents != 0) return;
            advance_ready();
            if (waits_[1].revents != 0) accept_all();
        }
    }

    void collect_waits() {
        const bool may_accept = connections_.size() < max_connections && clock::now() >= accept_again_;
        waits_.clear();
        waits_.push_back({wake_.get(), POLLIN, 0});
        waits_.push_back({may_accept ? listener_.get() : -1, POLLIN, 0});
        for (const auto& connection : connections_)
            waits_.push_back({connection.fd(), connection.events(), 0});
    }

    int wait_ms() const {
        const auto now = clock::now();
        auto until = now + longest_wait;
        if (accept_again_ > now) until = std::min(until, accept_again_);
        for (const auto& connection : connections_)
            until = std::min(until, connection.due());
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
        return static_cast<int>(std::max<long long>(ms, 0));
    }

    void advance_ready() {
        const auto now = clock::now();
        std::size_t index = 2;
        for (auto it = connections_.begin(); it != connections_.end(); ++index) {
            const bool is_ready = waits_[index].revents != 0 || now >= it->due();
            it = is_ready && !it->advance(now) ? connections_.erase(it) : std::next(it);
        }
    }

    void accept_all() {
        while (connections_.size() < max_connections) {
            unique_fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!fd) {
                // Out of descriptors: the listener stays readable, so without a pause this would spin.
                if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) accept_again_ = clock::now() + accept_pause;
                return;
            }
            const int on = 1;
            ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            connections_.emplace_back(std::move(fd), clock::now());
        }
    }

    const unique_fd listener_;
    const unique_fd wake_;
    const std::uint16_t port_;
    std::list<sample_connection> connections_;
    std::vector<pollfd> waits_;
    clock::time_point accept_again_{};
    std::thread thread_;  // last: it uses all of the above
};

}  // namespace

outcome<std::unique_ptr<sample_site>> sample_site::start() {
    unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!listener) return no_listener();
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* address = reinterpret_cast<sockaddr*>(&at);
    socklen_t size = sizeof at;
    if (::bind(listener.get(), address, size) != 0 || ::listen(listener.get(), backlog) != 0 ||
        ::getsockname(listener.get(), address, &size) != 0)
        return no_listener();
    unique_fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) return no_listener();
    return std::unique_ptr<sample_site>(
        std::make_unique<site>(std::move(listener), std::move(wake), ntohs(at.sin_port)));
}

}  // namespace instatunnel::app
