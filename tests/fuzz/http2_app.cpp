#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "client/http2_upstream.hpp"
#include "client/local_app.hpp"
#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "invariant.hpp"
#include "session_pair.hpp"

using namespace instatunnel;
using instatunnel::fuzz::require;

namespace {

constexpr int most_turns = 2000;

// Where the app listens, for the life of the process.
class door {
public:
    door() : path_("/tmp/it-fuzz-app-" + std::to_string(::getpid()) + ".sock"), listener_(::socket(AF_UNIX, kind, 0)) {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        std::memcpy(at.sun_path, path_.c_str(), path_.size());
        ::unlink(path_.c_str());
        require(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "the app can listen");
        require(::listen(listener_.get(), 64) == 0, "the app can listen");
    }
    ~door() { ::unlink(path_.c_str()); }

    const std::string& path() const noexcept { return path_; }
    unique_fd take() const { return unique_fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK)); }

private:
    static constexpr int kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    std::string path_;
    unique_fd listener_;
};

const door& the_door() {
    static const door made;
    return made;
}

client::tunnel_options options_of_app() {
    client::tunnel_options o;
    o.upstream.is_unix = true;
    o.upstream.unix_path = the_door().path();
    o.upstream.display = "unix";
    o.protocol = client::app_protocol::h2c;
    return o;
}

// An app that says what the fuzzer likes to a few requests of a tunnel, and then hangs up on everybody.
class harness final : private net::deferred {
public:
    explicit harness(const fuzz::steered_input& input)
        : piece_(input.piece() * 8), app_(made(*this)), upstream_(std::make_unique<client::http2_upstream>(*app_)) {
        if (!input.option(0)) says_.assign("\0\0\x06\4\0\0\0\0\0\0\x08\0\0\0\1", 15);  // SETTINGS: extended CONNECT
        says_ += input.text;
        pair_.client.on_each_open = [this](engine::stream& s, const wire::itp::open_head& head, std::uint8_t flags) {
            upstream_->serve(s, head, flags);
        };
        ask(test::request("GET", "/a"), test::flag::end);
        auto& post = ask(test::request("POST", "/b"), 0);
        post.stream->write(std::string(3000, 'p'));
        if (input.option(1)) post.stream->send_trailers({{"x-sum", "1"}});
        auto upgrade = test::request("GET", "/c");
        upgrade.protocol = "websocket";
        ask(upgrade, 0).stream->write("early");
        pair_.settle();
    }
    ~harness() {
        app_->addresses().forget_look_ups();
        upstream_.reset();
    }

    void run() {
        step();
        loop_.run();
        require(pair_.edge.violation == engine::code::ok && pair_.client.violation == engine::code::ok,
                "whatever an app says, what travels on is the protocol");
        require(pair_.client.session.open_streams() == 0, "no request outlives its app");
    }

private:
    static std::unique_ptr<client::local_app> made(harness& of) {
        auto app = client::local_app::make(of.loop_, of.options_, of.events_);
        require(app.has_value(), "there is nothing to go wrong");
        return std::move(*app);
    }
    test::stream_owner& ask(const wire::itp::open_head& head, std::uint8_t flags) {
        auto& asked = pair_.edge.open(head, flags);
        require(asked.stream != nullptr, "there is room for a few requests");
        return asked;
    }

    // At the end of a turn: the app takes what is there, says a piece more, and the tunnel's bytes travel.
    void step() {
        while (auto fresh = the_door().take())
            speakers_.push_back({std::move(fresh), 0});
        for (auto& s : speakers_)
            speak(s);
        std::erase_if(speakers_, [](const speaker& s) { return !s.fd; });
        pair_.settle();
        if (pair_.client.session.open_streams() == 0 || ++turns_ == most_turns) return loop_.stop();
        loop_.defer(*this);  // what is posted could keep the connections waiting
    }
    void run_deferred() override { step(); }
    struct speaker {
        unique_fd fd;
        std::size_t said;
    };
    void speak(speaker& s) const {
        char heard[16 * 1024];
        while (::recv(s.fd.get(), heard, sizeof heard, 0) > 0) {
        }
        const auto part = std::string_view(says_).substr(s.said, piece_);
        if (part.empty()) {
            s.fd.reset();
            return;
        }
        const auto sent = ::send(s.fd.get(), part.data(), part.size(), MSG_NOSIGNAL);
        if (sent > 0)
            s.said += static_cast<std::size_t>(sent);
        else
            s.fd.reset();
    }

    std::size_t piece_;
    std::string says_;
    int turns_ = 0;
    net::event_loop loop_;
    client::tunnel_options options_ = options_of_app();
    client::tunnel_events events_;
    test::session_pair pair_;
    std::unique_ptr<client::local_app> app_;
    std::unique_ptr<client::http2_upstream> upstream_;
    std::vector<speaker> speakers_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const fuzz::steered_input input(data, size);
    harness h(input);
    h.run();
    return 0;
}
