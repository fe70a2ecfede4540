#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/wire/http1.hpp"
#include "sample_pages.hpp"

namespace instatunnel::app {

/// One keep-alive connection of the sample site, moved on by readiness. Takes one request at a time, so what it holds
/// is one head, one answer and one block of a body at most.
class sample_connection {
public:
    using clock = std::chrono::steady_clock;

    sample_connection(unique_fd fd, clock::time_point now);
    ~sample_connection();
    sample_connection(sample_connection&&) noexcept;
    sample_connection& operator=(sample_connection&&) noexcept;

    int fd() const noexcept { return fd_.get(); }
    /// What to poll for.
    short events() const noexcept;
    /// When to call advance() even if nothing is ready.
    clock::time_point due() const noexcept;
    /// Reads, answers and writes as far as it goes without waiting. False when the connection is over.
    bool advance(clock::time_point now);

private:
    enum class phase { head, body, events, closing };
    enum class progress { made, blocked, over };

    progress step(clock::time_point now);
    progress flush(clock::time_point now);
    progress receive();
    progress take_head();
    progress take_body();
    progress take_length();
    progress take_chunks();
    progress send_events(clock::time_point now);
    progress discard();
    void hash(std::string_view bytes);
    void finish_request();
    void refuse(int status, std::string_view reason);
    void respond(const sample_page& page);
    void add_head(int status, std::string_view content_type, std::string_view framing);

    struct digest_deleter {
        void operator()(EVP_MD_CTX* digest) const noexcept;
    };

    unique_fd fd_;
    phase phase_ = phase::head;
    clock::time_point give_up_;
    clock::time_point next_tick_{};
    std::string in_;
    std::size_t seen_ = 0;
    std::string out_;
    std::size_t sent_ = 0;
    wire::request_head head_;
    sample_request request_;
    bool keep_alive_ = true;
    bool is_old_http_ = false;
    std::uint64_t body_left_ = 0;
    bool is_chunked_ = false;
    wire::chunked_decoder decoder_;
    std::unique_ptr<EVP_MD_CTX, digest_deleter> digest_;
    std::uint64_t ticks_ = 0;
};

}  // namespace instatunnel::app
