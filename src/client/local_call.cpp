#include "local_call.hpp"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "instatunnel/base/names.hpp"
#include "instatunnel/net/dial.hpp"

namespace instatunnel::client {
namespace {

constexpr wire::http1_limits call_limits{};
constexpr std::size_t call_read_size = 16 * 1024;

bool is_for_later(int error) noexcept {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

std::chrono::milliseconds time_left(local_call::clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - local_call::clock::now());
    return std::max(left, std::chrono::milliseconds(0));
}

}  // namespace

local_call::~local_call() {
    SSL_free(ssl_);
}

failure local_call::timed_out() const {
    return failure(errc::target_timeout);
}

bool local_call::wait(short events) {
    pollfd p{fd_.get(), events, 0};
    for (;;) {
        const auto n = ::poll(&p, 1, static_cast<int>(time_left(deadline_).count()));
        if (n >= 0 || errno != EINTR) return n > 0;
    }
}

outcome<void> local_call::connect(const target& to) {
    if (to.is_unix) return connect_unix(to.unix_path);
    auto dialled = net::dial({to.host, to.port}, time_left(deadline_));
    if (!dialled)
        return failure(dialled.error().code == errc::connect_timeout ? errc::target_timeout : errc::target_unreachable,
                       "Failed to reach local server " + to.display);
    fd_ = std::move(*dialled);
    return to.is_tls ? start_tls(to.host) : outcome<void>();
}

outcome<void> local_call::connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return failure(errc::target_unreachable);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_ || ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return failure(errc::target_unreachable, "Failed to reach local server unix:" + path);
    return {};
}

// Whose certificate it is was for the tunnel to say; nothing secret is asked here.
outcome<void> local_call::start_tls(const std::string& host) {
    auto context = net::make_client_context({}, /*lanes_only=*/false);
    if (!context) return context.error();
    context_ = std::move(*context);
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    ssl_ = SSL_new(context_.get());
    if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_.get()) != 1 || !net::expect_peer_name(ssl_, host))
        return failure(errc::tls_failed);
    for (;;) {
        const int done = SSL_connect(ssl_);
        if (done == 1) return {};
        const int why = SSL_get_error(ssl_, done);
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) return failure(errc::tls_failed);
        if (!wait(why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) return timed_out();
    }
}

outcome<void> local_call::send(std::string_view bytes) {
    while (!bytes.empty()) {
        std::ptrdiff_t n = 0;
        bool later = false;
        if (ssl_ != nullptr) {
            n = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), call_read_size)));
            later = n <= 0 && SSL_get_error(ssl_, static_cast<int>(n)) == SSL_ERROR_WANT_WRITE;
        } else {
            n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            later = n < 0 && is_for_later(errno);
        }
        if (n > 0)
            bytes.remove_prefix(static_cast<std::size_t>(n));
        else if (!later)
            return failure(errc::target_unreachable);
        else if (!wait(POLLOUT))
            return timed_out();
    }
    return {};
}

outcome<std::size_t> local_call::receive(char* into, std::size_t size) {
    for (;;) {
        std::ptrdiff_t n = 0;
        bool later = false;
        if (ssl_ != nullptr) {
            n = SSL_read(ssl_, into, static_cast<int>(size));
            later = n <= 0 && SSL_get_error(ssl_, static_cast<int>(n)) == SSL_ERROR_WANT_READ;
        } else {
            n = ::recv(fd_.get(), into, size, 0);
            later = n < 0 && is_for_later(errno);
        }
        if (n > 0) return static_cast<std::size_t>(n);
        if (!later) return std::size_t{0};  // an end, in whatever form: the framing knows whether it is too early
        if (!wait(POLLIN)) return timed_out();
    }
}

outcome<void> local_call::ask(std::string_view request, std::string_view method) {
    if (auto sent = send(request); !sent) return sent;
    wire::response_head head;
    std::size_t seen = 0;
    for (;;) {
        const auto parsed = wire::parse_response_head(input_.data(), input_.size(), seen, method, call_limits, head);
        if (parsed.status == wire::parse_status::invalid) return failure(errc::protocol_error);
        if (parsed.status == wire::parse_status::done && head.status >= 200) {
            status_ = head.status;
            for (const auto& f : head.fields)
                fields_.emplace_back(f.name, f.value);
            body_ = head.body;
            left_ = head.content_length;
            input_.erase(0, parsed.consumed);
            return {};
        }
        if (parsed.status == wire::parse_status::done) {
            input_.erase(0, parsed.consumed);
            seen = 0;
            continue;
        }
        seen = input_.size();
        char piece[call_read_size];
        const auto n = receive(piece, sizeof piece);
        if (!n) return n.error();
        if (*n == 0) return failure(errc::protocol_error);
        input_.append(piece, *n);
    }
}

std::string_view local_call::field(std::string_view name) const noexcept {
    const auto found = std::ranges::find_if(fields_, [name](const auto& f) { return iequals(f.first, name); });
    return found == fields_.end() ? std::string_view() : std::string_view(found->second);
}

std::string local_call::decode(std::string_view bytes) {
    std::string out;
    switch (body_) {
        case wire::body_kind::none:
            ended_ = true;
            break;
        case wire::body_kind::until_close:
            out.assign(bytes);
            break;
        case wire::body_kind::length:
            out.assign(bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), left_))));
            left_ -= out.size();
            ended_ = left_ == 0;
            break;
        case wire::body_kind::chunked:
            while (!bytes.empty() && !ended_) {
                const auto step = chunks_.next(bytes);
                bytes.remove_prefix(step.consumed);
                out.append(step.data);
                ended_ = step.what == wire::chunked_decoder::event::done ||
                         step.what == wire::chunked_decoder::event::invalid;
            }
            break;
    }
    return out;
}

outcome<std::string> local_call::read_some() {
    while (!ended_) {
        if (auto bytes = decode(std::exchange(input_, {})); !bytes.empty()) return bytes;
        if (ended_ || body_ == wire::body_kind::none) break;
        char piece[call_read_size];
        const auto n = receive(piece, sizeof piece);
        if (!n) return n.error();
        ended_ = *n == 0;
        input_.assign(piece, *n);
    }
    return std::string();
}

outcome<std::string> local_call::read_all(std::size_t limit) {
    std::string all;
    while (all.size() < limit) {
        auto more = read_some();
        if (!more) return more.error();
        if (more->empty()) break;
        all += *more;
    }
    return all;
}

}  // namespace instatunnel::client
