#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "instatunnel/client/target.hpp"
#include "instatunnel/net/event_loop.hpp"

namespace instatunnel::client {

struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    bool on_loopback = false;
};

/// "localhost" and names below it (RFC 6761 §6.3).
bool is_local_name(std::string_view host) noexcept;

/// Where the local app may be: every address of the target's name, and which of them answered last. One loop's thread.
class target_addresses {
public:
    /// Looks the name up (blocks, once); a name that is not known has no addresses for the moment.
    target_addresses(net::event_loop& loop, target to);
    ~target_addresses();
    target_addresses(const target_addresses&) = delete;
    target_addresses& operator=(const target_addresses&) = delete;

    std::size_t count() const noexcept { return all_.size(); }
    /// Any number: they go round, beginning with the preferred one at `preferred()`. Only while count() is not 0.
    const socket_address& at(std::size_t i) const noexcept { return all_[i % all_.size()]; }
    std::size_t preferred() const noexcept { return preferred_; }

    void note_reached(std::size_t i) noexcept {
        preferred_ = all_.empty() ? 0 : i % all_.size();
        was_unreachable_ = false;
    }
    /// None of them answered. The name may point elsewhere by now: it is looked up again, on another thread. True: the
    /// app was reachable before.
    bool note_unreachable();

    /// A look-up that ends late will find nobody: call before the loop is destroyed.
    void forget_look_ups() noexcept;

private:
    struct ticket {
        explicit ticket(target_addresses* o) : owner(o) {}
        std::mutex guard;
        target_addresses* owner;
    };
    void look_up_again();

    net::event_loop& loop_;
    target to_;
    std::vector<socket_address> all_;
    std::size_t preferred_ = 0;
    bool was_unreachable_ = false;
    std::chrono::steady_clock::time_point last_look_up_{};
    std::shared_ptr<ticket> ticket_;
};

}  // namespace instatunnel::client
