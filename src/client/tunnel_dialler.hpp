#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/client/tunnel.hpp"
#include "instatunnel/net/dial.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "v1_tunnel.hpp"

namespace instatunnel::client {

/// Told on the loop's thread.
class dial_events {
public:
    virtual void on_dialled(outcome<unique_fd> dialled) = 0;
    /// v1: as on_dialled, and where the tunnel is; nullopt: it could not be made.
    virtual void on_v1_dialled(std::optional<v1_place> place, outcome<unique_fd> dialled) = 0;
    /// Whether the server has nothing better than v1.
    virtual void on_older_known(bool is_older, const failure& otherwise) = 0;

protected:
    ~dial_events() = default;
};

/// What a tunnel does before it has a connection: it looks names up, connects and, for v1, calls the API. All of that
/// blocks, so it runs on threads of its own, which may outlive the tunnel. One thing at a time; the answer to an older
/// question is not told.
class tunnel_dialler {
public:
    /// Both outlive it.
    tunnel_dialler(net::event_loop& loop, dial_events& events);
    ~tunnel_dialler();
    tunnel_dialler(const tunnel_dialler&) = delete;
    tunnel_dialler& operator=(const tunnel_dialler&) = delete;

    /// False: there is no thread to be had.
    bool dial(const net::endpoint_name& to);
    /// Makes the tunnel first, unless there is a `place`. `name`: what the server gave before, asked for again.
    bool dial_v1(const net::endpoint_name& to, const tunnel_options& options, const std::string& name,
                 std::optional<v1_place> place);
    bool ask_for_older(const tunnel_options& options, const failure& otherwise);

private:
    // Lets work that ends late find out that nobody waits for it.
    struct ticket {
        explicit ticket(tunnel_dialler* o) : owner(o) {}
        template <class Work>
        void tell(unsigned question, Work work) {
            const std::lock_guard lock(guard);
            if (owner == nullptr) return;
            owner->loop_.post([self = owner, question, work]() mutable {
                if (question == self->question_) work(self->events_);
            });
        }
        std::mutex guard;
        tunnel_dialler* owner;
    };

    template <class Work>
    static bool start_thread(Work work);

    net::event_loop& loop_;
    dial_events& events_;
    std::shared_ptr<ticket> ticket_;
    unsigned question_ = 0;
};

}  // namespace instatunnel::client
