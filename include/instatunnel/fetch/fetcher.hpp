#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::fetch {

/// Where a request may go.
enum class address_policy : std::uint8_t {
    /// Anywhere: for addresses that the server's owner chose.
    any,
    /// To globally reachable unicast addresses only, without a proxy: for addresses that strangers chose. The address
    /// that was checked is the one that is connected to, so a name that changes its mind gains nothing.
    public_only,
};

struct request {
    std::string url;       ///< https://…, at most 4,096 bytes, no user part
    bool is_post = false;  ///< POST of `body` as application/x-www-form-urlencoded; else GET
    secret body;
    secret authorization;  ///< value of the Authorization field; empty: none
    std::string accept = "application/json";
    std::chrono::milliseconds time_limit{3000};  ///< from start() to the callback
    std::size_t max_bytes = std::size_t{5} * 1024;
    address_policy addresses = address_policy::public_only;
};

struct response {
    int status = 0;             ///< never 3xx: redirects are not followed, they are a failure
    std::string content_type;   ///< "application/json": lower case, without parameters
    std::string cache_control;  ///< as it was sent
    secret body;

    /// application/json or application/ANY+json.
    bool is_json() const noexcept;
};

using callback = std::function<void(outcome<response>)>;

struct fetcher_options {
    std::size_t capacity = 64;     ///< requests that wait beside those under way
    std::size_t at_once = 8;       ///< requests under way
    std::filesystem::path cacert;  ///< PEM authorities for servers' certificates; empty: the system's
    bool allows_loopback = false;  ///< for --dev: this machine counts as public, and http may go to it
};

/// Small requests that the service makes itself, on one thread of its own.
class fetcher {
public:
    virtual ~fetcher() = default;

    /// From any thread, never waits. `done` is called once, on the fetcher's thread, also when the fetcher stops; not
    /// if start() fails. It must not block and may call start().
    /// Errors: busy (too many wait), malformed_url, cancelled (stopped). Those of the callback: name_not_resolved,
    /// server_unreachable, connect_timeout (time_limit is over), tls_untrusted, tls_failed, forbidden (the address is
    /// not public), too_large, unexpected_reply (a redirect, or not HTTP), cancelled.
    virtual outcome<void> start(request what, callback done) = 0;

    /// Ends what is under way and what waits, with `cancelled`; returns after the last callback. Idempotent. Not from
    /// a callback.
    virtual void stop() = 0;
};

std::unique_ptr<fetcher> make_fetcher(fetcher_options options);

}  // namespace instatunnel::fetch
