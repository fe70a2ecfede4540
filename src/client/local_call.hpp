#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/client/target.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::client {

/// One HTTP/1.1 request of our own to a local program. Blocking: for helper threads. One use.
class local_call {
public:
    using clock = std::chrono::steady_clock;

    /// `deadline` is for everything.
    explicit local_call(clock::time_point deadline) : deadline_(deadline) {}
    ~local_call();
    local_call(const local_call&) = delete;
    local_call& operator=(const local_call&) = delete;

    /// Errors: target_unreachable, target_timeout, tls_failed.
    outcome<void> connect(const target& to);
    /// Sends head and body, and reads the reply's head. Errors: as above, and protocol_error for what is no HTTP.
    outcome<void> ask(std::string_view request, std::string_view method);

    int status() const noexcept { return status_; }
    const std::vector<std::pair<std::string, std::string>>& fields() const noexcept { return fields_; }
    /// Empty: there is none.
    std::string_view field(std::string_view name) const noexcept;
    /// The next piece of the body; empty: it has ended. Errors: target_timeout, protocol_error.
    outcome<std::string> read_some();
    /// The rest of the body, at most `limit` bytes of it.
    outcome<std::string> read_all(std::size_t limit);

private:
    outcome<void> connect_unix(const std::string& path);
    outcome<void> start_tls(const std::string& host);
    outcome<std::size_t> receive(char* into, std::size_t size);
    outcome<void> send(std::string_view bytes);
    bool wait(short events);
    failure timed_out() const;
    std::string decode(std::string_view bytes);

    clock::time_point deadline_;
    unique_fd fd_;
    net::ssl_ctx_ptr context_;
    SSL* ssl_ = nullptr;
    std::string input_;  ///< bytes behind the head
    int status_ = 0;
    std::vector<std::pair<std::string, std::string>> fields_;
    wire::body_kind body_ = wire::body_kind::none;
    std::uint64_t left_ = 0;
    wire::chunked_decoder chunks_{/*lenient_line_ends=*/true};
    bool ended_ = false;
};

}  // namespace instatunnel::client
