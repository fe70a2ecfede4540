#include "instatunnel/net/resolver.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "instatunnel/base/names.hpp"

namespace instatunnel::net {
namespace {

constexpr int max_lookups = 16;
std::atomic<int> running_lookups{0};

/// Shared, because either side may be the last one to look at it: the waiter gives up, or the resolver finishes late.
struct pending_lookup {
    std::mutex mutex;
    std::condition_variable finished;
    bool done = false;
    int error = 0;
    std::vector<socket_address> found;
};

failure not_resolved(const std::string& host, std::string_view reason) {
    return {errc::name_not_resolved, "Cannot resolve " + host + ": " + std::string(reason)};
}

std::string_view lookup_error_text(int error) {
    switch (error) {
        case EAI_NONAME:
#ifdef EAI_NODATA
        case EAI_NODATA:
#endif
            return "there is no such name";
        case EAI_AGAIN:
            return "the name servers do not answer";
        default:
            return "the lookup failed";
    }
}

socket_address loopback(int family, std::uint16_t port) {
    socket_address address;
    if (family == AF_INET) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.size = sizeof in;
        std::memcpy(&address.storage, &in, sizeof in);
    } else {
        sockaddr_in6 in{};
        in.sin6_family = AF_INET6;
        in.sin6_port = htons(port);
        in.sin6_addr = in6addr_loopback;
        address.size = sizeof in;
        std::memcpy(&address.storage, &in, sizeof in);
    }
    return address;
}

int query(const std::string& host, std::uint16_t port, int flags, std::vector<socket_address>& out) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
    if (error != 0) return error;
    for (const addrinfo* info = list; info != nullptr; info = info->ai_next) {
        if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
        socket_address address;
        address.size = info->ai_addrlen;
        std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
        out.push_back(address);
    }
    ::freeaddrinfo(list);
    return out.empty() ? EAI_NONAME : 0;
}

/// What may go to a resolver at all; anything else fails here, without a packet.
bool is_plausible_name(std::string_view host) {
    if (host.empty() || host.size() > 253) return false;
    std::size_t label = 0;
    for (const char c : host) {
        const bool ok =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (c == '.' && label != 0) {
            label = 0;
        } else if (!ok || ++label > 63) {
            return false;
        }
    }
    return true;
}

bool is_localhost(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    constexpr std::string_view name = "localhost";
    if (host.size() < name.size() || !iequals(host.substr(host.size() - name.size()), name)) return false;
    return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

std::vector<socket_address> alternate_families(const std::vector<socket_address>& found) {
    std::vector<socket_address> first;
    std::vector<socket_address> second;
    for (const auto& address : found)
        (address.family() == found.front().family() ? first : second).push_back(address);
    std::vector<socket_address> ordered;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
        if (i < first.size()) ordered.push_back(first[i]);
        if (i < second.size()) ordered.push_back(second[i]);
    }
    return ordered;
}

bool start_lookup(const std::shared_ptr<pending_lookup>& pending, const std::string& host, std::uint16_t port,
                  const lookup_function& lookup) {
    if (running_lookups.fetch_add(1) >= max_lookups) {
        running_lookups.fetch_sub(1);
        return false;
    }
    auto work = [pending, host, port, lookup] {
        std::vector<socket_address> found;
        const int error = lookup(host, port, found);
        // Counted down before the waiter can see the answer, so that its next lookup finds the place free.
        running_lookups.fetch_sub(1);
        const std::lock_guard lock(pending->mutex);
        pending->error = error;
        pending->found = std::move(found);
        pending->done = true;
        pending->finished.notify_all();
    };
    try {
        std::thread(std::move(work)).detach();
    } catch (const std::system_error&) {
        running_lookups.fetch_sub(1);
        return false;
    }
    return true;
}

}  // namespace

std::string address_text(const socket_address& address) {
    char text[INET6_ADDRSTRLEN] = {};
    const auto* bytes = reinterpret_cast<const char*>(&address.storage);
    if (address.family() == AF_INET)
        ::inet_ntop(AF_INET, bytes + offsetof(sockaddr_in, sin_addr), text, sizeof text);
    else if (address.family() == AF_INET6)
        ::inet_ntop(AF_INET6, bytes + offsetof(sockaddr_in6, sin6_addr), text, sizeof text);
    return text;
}

int system_lookup(const std::string& host, std::uint16_t port, std::vector<socket_address>& out) {
    return query(host, port, 0, out);
}

outcome<std::vector<socket_address>> resolve(const std::string& host, std::uint16_t port,
                                             std::chrono::steady_clock::time_point deadline,
                                             const lookup_function& lookup) {
    if (host.find('\0') != std::string::npos) return failure(errc::name_not_resolved, "The host name is not valid");
    if (is_localhost(host)) return std::vector{loopback(AF_INET, port), loopback(AF_INET6, port)};
    std::vector<socket_address> numeric;
    if (query(host, port, AI_NUMERICHOST, numeric) == 0) return numeric;
    if (!is_plausible_name(host)) return failure(errc::name_not_resolved, "The host name is not valid");

    const auto pending = std::make_shared<pending_lookup>();
    if (!start_lookup(pending, host, port, lookup))
        return not_resolved(host, "too many lookups are waiting for an answer");
    std::unique_lock lock(pending->mutex);
    if (!pending->finished.wait_until(lock, deadline, [&] { return pending->done; }))
        return not_resolved(host, "the name servers did not answer in time");
    if (pending->error != 0) return not_resolved(host, lookup_error_text(pending->error));
    if (pending->found.empty()) return not_resolved(host, lookup_error_text(EAI_NONAME));
    return alternate_families(pending->found);
}

}  // namespace instatunnel::net
