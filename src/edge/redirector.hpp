#pragma once

#include <memory>
#include <string>

#include "instatunnel/net/connection.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

/// A plain HTTP connection: answers any request with a redirect to https and closes.
class redirector final : public net::retirable, public net::connection_events {
public:
    static void begin(worker& w, unique_fd fd);

    void on_readable() override;
    void on_broken(errc why) override;

private:
    redirector(worker& w, address_slot slot);
    void answer(const wire::parse_result& parsed);
    void leave();

    worker& w_;
    address_slot slot_;
    std::unique_ptr<net::connection> conn_;
    net::timer timer_;
    std::string input_;
};

}  // namespace instatunnel::edge
