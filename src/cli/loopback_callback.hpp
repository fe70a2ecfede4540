#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "callback_answer.hpp"
#include "callback_page.hpp"
#include "instatunnel/base/error.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "instatunnel/net/listener.hpp"

namespace instatunnel::cli {

/// Waits on a port of 127.0.0.1 for the answer that a browser brings back from the authorization server (RFC 8252
/// §7.3). Everything runs inside wait() and finish(), on the caller's thread; in between, browsers wait in the
/// system's queue. The port is closed with the object.
class loopback_callback final : private net::acceptor::handler {
public:
    /// Listens on a free port. `state` and `issuer`: what the answer must hold. Errors: those of net::open_listener.
    static outcome<std::unique_ptr<loopback_callback>> open(std::string state, std::string issuer);
    ~loopback_callback();

    std::string redirect_uri() const;

    /// The code that the browser brought. The browser goes on waiting, until finish() says how it ended. Requests that
    /// are no answer to ours are refused meanwhile. Errors: sign_in_denied, unexpected_reply (another refusal, or the
    /// answer of another server), sign_in_expired (nobody came within `patience`), cancelled (stop() was called).
    outcome<secret> wait(std::chrono::milliseconds patience);

    /// Shows `page` to the browser that brought the answer, tells later ones that it was used, and returns when all
    /// that has left, after two seconds at most.
    void finish(const callback_page& page);

    /// From any thread: wait() and finish() return.
    void stop() noexcept;

private:
    class visit;

    loopback_callback(unique_fd listener, std::string state, std::string issuer);
    void on_accepted(unique_fd fd) override;
    void on_request(visit& from, const wire::request_head& head);
    void settle(visit& from, outcome<secret> answer);
    void reply(visit& to, const callback_page& page);
    void drop(visit& which);
    std::unique_ptr<visit> release(visit& which);
    void make_room();
    void look_whether_done();

    net::event_loop loop_;
    callback_expected expected_;
    net::acceptor acceptor_;
    net::timer timer_;
    std::vector<std::unique_ptr<visit>> visits_;  ///< oldest first
    visit* held_ = nullptr;                       ///< of visits_: brought the answer, waits for its page
    std::optional<outcome<secret>> answer_;
    std::atomic<bool> stopped_ = false;
    bool finishing_ = false;
    int looks_ = 0;
};

}  // namespace instatunnel::cli
