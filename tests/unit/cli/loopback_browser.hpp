#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "instatunnel/base/form.hpp"
#include "instatunnel/base/unique_fd.hpp"

namespace instatunnel::test {

/// A browser's connection to a port of 127.0.0.1; asks once.
class loopback_browser {
public:
    explicit loopback_browser(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        to.sin_port = htons(port);
        connected_ = ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
    }
    bool connected() const { return connected_; }

    loopback_browser& send(std::string_view text) {
        while (!text.empty()) {
            const auto n = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (n <= 0) break;
            text.remove_prefix(static_cast<std::size_t>(n));
        }
        return *this;
    }
    loopback_browser& get(const std::string& target, const std::string& host) {
        return send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nAccept: text/html\r\n\r\n");
    }
    /// Until the other side closes.
    std::string answer() {
        std::string all;
        char block[4096];
        for (;;) {
            const auto n = ::recv(fd_.get(), block, sizeof block, 0);
            if (n <= 0) return all;
            all.append(block, static_cast<std::size_t>(n));
        }
    }

private:
    unique_fd fd_;
    bool connected_ = false;
};

/// "http://127.0.0.1:4711/cb" → 4711
inline std::uint16_t port_of(const std::string& redirect_uri) {
    const std::string start = "http://127.0.0.1:";
    REQUIRE(redirect_uri.starts_with(start));
    return static_cast<std::uint16_t>(std::stoi(redirect_uri.substr(start.size())));
}

}  // namespace instatunnel::test
