#include "transport_check.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/client/tunnel.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// One tunnel's try, ended after a while.
class handshake final : private client::tunnel_events {
public:
    handshake(const settings& s, client::transport via) : tunnel_(order(s, via), *this) {}

    /// nullopt: the edge answered as it should.
    std::optional<failure> run(milliseconds limit) {
        std::thread watch;
        try {
            watch = std::thread([&] { stop_after(limit); });
        } catch (const std::system_error&) {
            return failure(errc::busy, "No thread can be started");
        }
        const auto ended = tunnel_.run();
        {
            const std::lock_guard lock(guard_);
            is_over_ = true;
        }
        over_.notify_all();
        watch.join();
        if (ended) return was_answered_ ? std::nullopt : std::optional<failure>(errc::hello_timeout);
        if (ended.error().code == errc::not_found) return std::nullopt;
        return ended.error();
    }

private:
    static client::tunnel_options order(const settings& s, client::transport via) {
        client::tunnel_options o;
        o.upstream.port = 1;
        o.upstream.display = "instatunnel doctor";
        o.server = s.server;
        o.cacert = s.cacert;
        o.key = s.key.clone();
        o.via = via;
        o.existing_host = "doctor-" + to_lower_base36(random_base62(24));
        return o;
    }

    static std::string to_lower_base36(std::string text) {
        std::ranges::transform(text, text.begin(),
                               [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        return text;
    }

    void stop_after(milliseconds limit) {
        std::unique_lock lock(guard_);
        if (!over_.wait_for(lock, limit, [this] { return is_over_; })) tunnel_.stop();
    }

    // It cannot come: there is no such tunnel. If it does, the handshake was good.
    void on_ready(const client::ready_info&) override {
        was_answered_ = true;
        tunnel_.stop();
    }

    std::mutex guard_;
    std::condition_variable over_;
    bool is_over_ = false;
    bool was_answered_ = false;
    client::tunnel tunnel_;
};

// The edge spoke our protocol and said no: another transport would change nothing.
bool is_answer_of_edge(errc code) {
    const auto exit = exit_code_for(code);
    return exit == exit_code::not_authenticated || exit == exit_code::not_permitted ||
           exit == exit_code::rate_limited || exit == exit_code::name_unavailable;
}

milliseconds time_since(steady_clock::time_point start) {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

failure explained(const settings& s, failure why) {
    if (s.explain_key) why = s.explain_key(why);
    if (why.code == errc::unexpected_reply || why.code == errc::tls_failed)
        why.next = "Something in between ends TLS: connections to " + s.server +
                   " have to be forwarded as TCP, with ALPN itp/1";
    return why;
}

}  // namespace

check check_transport(const settings& s, known_transports known, milliseconds limit) {
    auto c = make_check(step::transport);
    const auto start = steady_clock::now();
    std::optional<failure> of_v2;
    if (known.v2) {
        of_v2 = handshake(s, client::transport::v2).run(limit);
        if (!of_v2) return well(std::move(c), "v2: the edge answers a handshake in " + to_human(time_since(start)));
        if (!known.v1 || is_answer_of_edge(of_v2->code) || time_since(start) >= limit)
            return failed(std::move(c), "v2", explained(s, *of_v2));
    }
    if (!known.v1)
        return failed(std::move(c), "neither v1 nor v2",
                      {errc::version_mismatch, "The server speaks no transport that this program knows"});
    const auto of_v1 = handshake(s, client::transport::v1).run(limit - std::min(limit, time_since(start)));
    if (of_v1) return failed(std::move(c), of_v2 ? "v2" : "v1", explained(s, of_v2.value_or(*of_v1)));
    const auto text = "v1 alone: the edge answers a handshake in " + to_human(time_since(start));
    if (!of_v2)
        return warned(std::move(c), text, "The server knows nothing better: replies are not streamed, MCP needs v2",
                      "Ask the server's owner to update it");
    const auto why = explained(s, *of_v2);
    return warned(std::move(c), text, "Transport v2 fails: " + std::string(why.what()), std::string(why.what_next()),
                  why.code);
}

}  // namespace instatunnel::doctor
