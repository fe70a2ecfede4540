#pragma once

#include <memory>

#include "instatunnel/net/connection.hpp"
#include "target_dial.hpp"
#include "upstream.hpp"

namespace instatunnel::client {

/// A connection to the local app: lent to one exchange at a time, kept idle between them. Kept by the loop.
class upstream_connection final : public net::retirable, public net::connection_events, private dial_user {
public:
    /// Starts connecting for `user`, which is told when it is ready or has failed on every address.
    static void open(upstream& owner, exchange& user);

    void lend(exchange& to);
    /// The exchange that it is being made for is gone; it goes to the pool when it is ready.
    void abandon() noexcept { user_ = nullptr; }
    /// Asks the kernel whether the app has closed an idle connection whose event has not been handled yet.
    bool seems_closed() const noexcept;
    net::connection& bytes() noexcept { return *conn_; }
    bool is_reused() const noexcept { return reused_; }
    /// The exchange is over and nothing is left on the wire.
    void give_back();
    enum class farewell : std::uint8_t { at_once, gentle };  ///< gentle: what is queued for the app still leaves
    void discard(farewell how = farewell::at_once);

    void on_readable() override;
    void on_writable() override;
    void on_broken(errc why) override;

private:
    upstream_connection(upstream& owner, exchange& user);
    void on_dialled(std::unique_ptr<net::connection> c) override;
    void on_dial_failed(errc why) override;

    upstream& owner_;
    exchange* user_;
    std::unique_ptr<target_dial> dial_;  ///< until it is connected
    std::unique_ptr<net::connection> conn_;
    net::timer idle_;
    bool reused_ = false;
    bool gone_ = false;
};

}  // namespace instatunnel::client
