#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>

#include "instatunnel/fetch/fetcher.hpp"

namespace instatunnel::fetch {

struct easy_free {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
struct list_free {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};

/// What is checked before a request is taken in. `host` is for messages.
struct checked_url {
    std::string host;
    bool is_http = false;
};
/// Errors: malformed_url.
outcome<checked_url> check_url(const std::string& url, bool allows_loopback);

/// One request, its bounds and what came back. Libcurl holds its address: it is never moved.
class transfer {
public:
    using time_point = std::chrono::steady_clock::time_point;

    transfer(request what, checked_url where, callback done)
        : request_(std::move(what)),
          url_(std::move(where)),
          done_(std::move(done)),
          deadline_(std::chrono::steady_clock::now() + request_.time_limit) {}
    transfer(const transfer&) = delete;
    transfer& operator=(const transfer&) = delete;

    time_point deadline() const noexcept { return deadline_; }
    CURL* handle() const noexcept { return handle_.get(); }

    /// Makes the handle ready for a multi handle; what is left of the time limit is its limit. False: no memory.
    bool prepare(const fetcher_options& options);
    /// Calls back with what came of it.
    void finish(CURLcode code);
    void fail(failure why) { done_(std::move(why)); }
    failure out_of_time() const;

private:
    void set_request();
    void set_connection();
    void set_bounds();
    void set_answer();
    bool set_fields();
    failure cause_of(CURLcode code) const;
    outcome<response> read_answer();

    static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t take_field(char* data, std::size_t size, std::size_t count, void* self);
    static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    bool may_connect(const sockaddr& address) const noexcept;

    request request_;
    const checked_url url_;
    const callback done_;
    const time_point deadline_;
    fetcher_options options_;
    std::unique_ptr<curl_slist, list_free> fields_;
    std::unique_ptr<CURL, easy_free> handle_;  // after what it points to
    std::string body_;
    std::string cache_control_;
    std::size_t head_bytes_ = 0;
    bool is_too_large_ = false;
    bool is_refused_ = false;
};

}  // namespace instatunnel::fetch
