#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>

#include "instatunnel/net/connection.hpp"
#include "target_addresses.hpp"

namespace instatunnel::client {

/// Who wants a connection to the local app.
class dial_user {
public:
    /// The connection's events are the user's to set.
    virtual void on_dialled(std::unique_ptr<net::connection> c) = 0;
    /// target_unreachable: no address answered; target_timeout; tls_failed.
    virtual void on_dial_failed(errc why) = 0;

protected:
    ~dial_user() = default;
};

/// A connection to the local app in the making: one address after the other, beginning with the one that answered last,
/// and within `limit` in all. One loop's thread.
class target_dial final : private net::connection_events {
public:
    static constexpr std::chrono::milliseconds limit{3'000};

    /// All arguments outlive it. `tls`: null for a plain connection; `host` is the name that a certificate must be for.
    target_dial(net::event_loop& loop, target_addresses& addresses, SSL_CTX* tls, const std::string& host,
                dial_user& to);
    ~target_dial();

    /// The answer may come within the call.
    void start();
    /// No answer comes any more.
    void cancel();

private:
    void try_address();
    void on_timer();
    void fail(errc why);

    void on_connected() override;
    void on_readable() override {}
    void on_broken(errc why) override;

    net::event_loop& loop_;
    target_addresses& addresses_;
    SSL_CTX* tls_;
    const std::string& host_;
    dial_user& user_;
    std::unique_ptr<net::connection> conn_;
    net::timer timer_;
    net::timer again_;
    std::size_t tried_ = 0;
    std::size_t address_ = 0;
};

}  // namespace instatunnel::client
