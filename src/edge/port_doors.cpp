#include "port_doors.hpp"

#include "doorstep.hpp"
#include "instatunnel/net/listener.hpp"
#include "worker.hpp"

namespace instatunnel::edge {

class port_doors::door final : private net::acceptor::handler {
public:
    door(worker& w, unique_fd listener, std::shared_ptr<route> to)
        : w_(w), to_(std::move(to)), acceptor_(w.loop, std::move(listener), *this) {}

    void lead_to(std::shared_ptr<route> to) { to_ = std::move(to); }
    const route& leads_to() const noexcept { return *to_; }

private:
    void on_accepted(unique_fd fd) override { doorstep::begin(w_, std::move(fd), {nullptr, to_}); }

    worker& w_;
    std::shared_ptr<route> to_;
    net::acceptor acceptor_;
};

port_doors::port_doors() = default;
port_doors::~port_doors() = default;

outcome<void> port_doors::open(worker& w, std::shared_ptr<route> to) {
    const auto port = to->tunnel.port;
    if (const auto found = doors_.find(port); found != doors_.end()) {
        found->second->lead_to(std::move(to));
        return {};
    }
    auto listener = net::open_listener({host_, port});
    if (!listener) return listener.error();
    doors_.emplace(port, std::make_unique<door>(w, std::move(*listener), std::move(to)));
    return {};
}

void port_doors::close_unused(const router& routes) {
    std::erase_if(doors_, [&](const auto& entry) { return !routes.holds(entry.second->leads_to()); });
}

void port_doors::close_all() {
    doors_.clear();
}

}  // namespace instatunnel::edge
