#include "transfer.hpp"

#include <unistd.h>

#include <algorithm>

#include "instatunnel/base/names.hpp"
#include "instatunnel/base/version.hpp"
#include "public_address.hpp"

namespace instatunnel::fetch {
namespace {

constexpr std::size_t max_url = 4096;
constexpr std::size_t max_head = std::size_t{32} * 1024;
constexpr std::size_t max_field = 1024;

struct url_free {
    void operator()(CURLU* url) const noexcept { curl_url_cleanup(url); }
};

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

bool is_local_name(const std::string& host) {
    return host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

bool is_field_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

// "Application/JSON; charset=utf-8" -> "application/json"
std::string media_type(const char* field) {
    if (field == nullptr) return {};
    const std::string_view text(field);
    return to_lower(trim(text.substr(0, std::min(text.find(';'), max_field))));
}

}  // namespace

outcome<checked_url> check_url(const std::string& url, bool allows_loopback) {
    const failure malformed(errc::malformed_url, "That is no address to fetch from: it must begin with https://");
    if (url.size() > max_url || !is_field_text(url) || url.find_first_of(" #\\") != std::string::npos) return malformed;
    // Libcurl forgives a third slash, and would take the path for a host.
    if (url.find(":///") != std::string::npos) return malformed;
    const std::unique_ptr<CURLU, url_free> parts(curl_url());
    if (!parts || curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), CURLU_PATH_AS_IS) != CURLUE_OK)
        return malformed;
    if (!part_of(parts.get(), CURLUPART_USER).empty() || !part_of(parts.get(), CURLUPART_PASSWORD).empty())
        return malformed;
    checked_url checked{part_of(parts.get(), CURLUPART_HOST), part_of(parts.get(), CURLUPART_SCHEME) == "http"};
    if (checked.host.empty()) return malformed;
    if (checked.is_http ? !allows_loopback || !is_local_name(checked.host) : !url.starts_with("https://"))
        return malformed;
    return checked;
}

bool transfer::prepare(const fetcher_options& options) {
    options_ = options;
    handle_.reset(curl_easy_init());
    if (handle_ == nullptr || !set_fields()) return false;
    set_request();
    set_connection();
    set_bounds();
    set_answer();
    return true;
}

bool transfer::set_fields() {
    const auto add = [this](const char* line) {
        auto* longer = curl_slist_append(fields_.get(), line);
        if (longer == nullptr) return false;
        (void)fields_.release();
        fields_.reset(longer);
        return true;
    };
    if (!add(("Accept: " + request_.accept).c_str())) return false;
    if (request_.authorization.empty()) return true;
    const secret line("Authorization: " + std::string(request_.authorization.reveal()));
    return add(line.reveal().data());  // a secret is a whole std::string, so a zero byte follows it
}

void transfer::set_request() {
    auto* h = handle_.get();
    curl_easy_setopt(h, CURLOPT_URL, request_.url.c_str());
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(h, CURLOPT_USERAGENT, ("instatunnel/" + std::string(version())).c_str());
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, fields_.get());
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    if (!request_.is_post) return;
    curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.reveal().size()));
    curl_easy_setopt(h, CURLOPT_POSTFIELDS, request_.body.reveal().data());
}

void transfer::set_connection() {
    auto* h = handle_.get();
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, url_.is_http ? "http" : "https");
    // A proxy would look the name up itself, behind our check. To this machine there is no proxy either.
    if (request_.addresses == address_policy::public_only || url_.is_http) curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, &transfer::open_socket);
    curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, this);
    // A kept connection may have been opened under another policy.
    curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(h, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options_.cacert.empty()) curl_easy_setopt(h, CURLOPT_CAINFO, options_.cacert.c_str());
}

void transfer::set_bounds() {
    using std::chrono::milliseconds;
    auto* h = handle_.get();
    const auto left = std::chrono::duration_cast<milliseconds>(deadline_ - std::chrono::steady_clock::now());
    const auto limit = static_cast<long>(std::max(left, milliseconds(1)).count());  // zero would mean none
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, limit);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, limit);
    // Without it the end of a transfer waits for getaddrinfo, and every other transfer with it.
    curl_easy_setopt(h, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(h, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_bytes));
}

void transfer::set_answer() {
    auto* h = handle_.get();
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, &transfer::take_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, &transfer::take_field);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(h, CURLOPT_PRIVATE, this);
}

std::size_t transfer::take_body(char* data, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<transfer*>(self);
    const auto n = size * count;
    if (n > t.request_.max_bytes - t.body_.size()) {
        t.is_too_large_ = true;
        return 0;
    }
    if (t.body_.empty()) t.body_.reserve(t.request_.max_bytes);  // tokens leave no copies behind
    t.body_.append(data, n);
    return n;
}

std::size_t transfer::take_field(char* data, std::size_t size, std::size_t count, void* self) {
    auto& t = *static_cast<transfer*>(self);
    const auto n = size * count;
    // Heads of 1xx answers count too: they could go on for ever.
    t.head_bytes_ += n;
    if (t.head_bytes_ > max_head) {
        t.is_too_large_ = true;
        return 0;
    }
    const std::string_view line(data, n);
    if (line.starts_with("HTTP/")) t.cache_control_.clear();
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !iequals(line.substr(0, colon), "cache-control")) return n;
    const auto value = trim(line.substr(colon + 1));
    if (t.cache_control_.size() + value.size() > max_field) return n;
    if (!t.cache_control_.empty()) t.cache_control_ += ", ";  // RFC 9110 §5.3
    t.cache_control_ += value;
    return n;
}

bool transfer::may_connect(const sockaddr& address) const noexcept {
    if (url_.is_http) return is_loopback(address);
    if (request_.addresses == address_policy::any) return true;
    return is_public(address) || (options_.allows_loopback && is_loopback(address));
}

// The check sits where the socket is made for the very address that is connected to next: there is nothing between the
// two that a second answer of the name's server could change.
curl_socket_t transfer::open_socket(void* self, curlsocktype, curl_sockaddr* address) {
    auto& t = *static_cast<transfer*>(self);
    if (!t.may_connect(address->addr)) {
        t.is_refused_ = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

failure transfer::out_of_time() const {
    return {errc::connect_timeout, url_.host + " did not answer in time"};
}

failure transfer::cause_of(CURLcode code) const {
    const auto& host = url_.host;
    if (is_too_large_ || code == CURLE_FILESIZE_EXCEEDED)
        return {errc::too_large, host + " sent more than the " + std::to_string(request_.max_bytes) + " bytes allowed"};
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return {errc::name_not_resolved, host + " cannot be resolved"};
        case CURLE_OPERATION_TIMEDOUT:
            return out_of_time();
        case CURLE_COULDNT_CONNECT:
            if (is_refused_) return {errc::forbidden, host + " has no address on the public internet"};
            return {errc::server_unreachable, host + " does not accept connections"};
        case CURLE_PEER_FAILED_VERIFICATION:
            return {errc::tls_untrusted, "The certificate of " + host + " is not trusted"};
        case CURLE_SSL_CACERT_BADFILE:
            return {errc::file_io, "The file with authorities cannot be read: " + options_.cacert.string()};
        case CURLE_SSL_CONNECT_ERROR:
            return {errc::tls_failed, "The TLS handshake with " + host + " failed"};
        default:
            return {errc::unexpected_reply, host + " sent an answer that is not valid HTTP, or none"};
    }
}

outcome<response> transfer::read_answer() {
    long status = 0;
    const char* type = nullptr;
    curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_TYPE, &type);
    if (status >= 300 && status < 400)
        return failure(errc::unexpected_reply, url_.host + " answered with a redirect, which is not followed");
    return response{static_cast<int>(status), media_type(type), std::move(cache_control_), secret(std::move(body_))};
}

void transfer::finish(CURLcode code) {
    if (code != CURLE_OK) {
        secret wiped(std::move(body_));
        done_(cause_of(code));
        return;
    }
    done_(read_answer());
}

}  // namespace instatunnel::fetch
