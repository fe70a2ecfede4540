#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/event_loop.hpp"

namespace instatunnel::net {

struct listen_address {
    std::string host;  ///< address literal, "localhost", or empty for all of IPv6 and IPv4
    std::uint16_t port = 0;
};

/// "HOST:PORT", ":PORT", "[IPv6]:PORT", "PORT". Errors: usage, naming the text.
outcome<listen_address> parse_listen_address(std::string_view text);

/// Binds and listens (REUSEADDR, CLOEXEC, non-blocking). Empty host: one dual-stack socket, or IPv4 alone where IPv6 is
/// off. Errors: address_in_use, name_not_resolved, file_io (permission: says which port needs which right).
outcome<unique_fd> open_listener(const listen_address& at);
std::uint16_t local_port(int fd) noexcept;
/// An end of a connection: the address as text without brackets, IPv4-mapped ones as IPv4; empty when unknown.
struct peer_name {
    std::string address;
    std::uint16_t port = 0;
    bool is_loopback = false;
    std::uint8_t family = 0;  ///< 4, 6 or 0
    unsigned char bytes[16] = {};
};
peer_name peer_of(int fd);
/// Our own end of a connection, in the same form.
peer_name local_end_of(int fd);
/// `bytes`: 4 or 16, by `family` (4, 6; anything else: unknown). IPv4-mapped addresses become IPv4.
peer_name make_peer_name(std::uint8_t family, const unsigned char* bytes, std::uint16_t port);

/// Accepts on a listening descriptor. Out of descriptors or memory it logs once, waits 100 ms and goes on.
class acceptor final : private io_slot, private deferred {
public:
    class handler {
    public:
        virtual void on_accepted(unique_fd fd) = 0;

    protected:
        ~handler() = default;
    };
    acceptor(event_loop& loop, unique_fd fd, handler& to);
    ~acceptor();
    acceptor(const acceptor&) = delete;
    acceptor& operator=(const acceptor&) = delete;

    std::uint16_t port() const noexcept { return local_port(fd_.get()); }

private:
    void on_io(std::uint32_t events) override;
    void run_deferred() override;
    bool turn_away();
    void complain(int error);

    event_loop& loop_;
    unique_fd fd_;
    handler& to_;
    timer retry_;
    std::chrono::steady_clock::time_point complained_{};
};

}  // namespace instatunnel::net
