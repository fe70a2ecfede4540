#include "raw_origin.hpp"

#include <arpa/inet.h>

#include <string>

#include "instatunnel/relay/pipe.hpp"
#include "target_addresses.hpp"
#include "target_dial.hpp"

namespace instatunnel::client {
namespace {

using engine::code;

std::string shown_address(const wire::itp::visitor_address& a) {
    if (a.family == 0) return "unknown";
    char text[INET6_ADDRSTRLEN] = {};
    ::inet_ntop(a.family == 4 ? AF_INET : AF_INET6, a.bytes.data(), text, sizeof text);
    const std::string host = a.family == 4 ? text : "[" + std::string(text) + "]";
    return host + ":" + std::to_string(a.port);
}

class raw_connection;

class raw_origin final : public origin, private net::deferred {
public:
    raw_origin(net::event_loop& loop, const tunnel_options& options, tunnel_events& events)
        : loop_(loop), options_(options), events_(events), addresses_(loop, options.upstream) {}

    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override;
    void forget_look_ups() noexcept override { addresses_.forget_look_ups(); }
    std::uint64_t served() const noexcept override { return served_; }

    net::event_loop& loop() noexcept { return loop_; }
    const tunnel_options& options() const noexcept { return options_; }
    target_addresses& addresses() noexcept { return addresses_; }

    void unreachable() {
        if (addresses_.note_unreachable())
            events_.on_notice({errc::target_unreachable, "Failed to reach local server " + options_.upstream.display});
    }
    void report(const connection_info& info) {
        ++served_;
        events_.on_connection(info);
        loop_.defer(*this);
    }

private:
    void run_deferred() override { events_.on_turn_end(); }

    net::event_loop& loop_;
    const tunnel_options& options_;
    tunnel_events& events_;
    target_addresses addresses_;
    std::uint64_t served_ = 0;
};

// One visitor's connection: what the visitor sends early waits until the program has accepted. Kept by the loop.
class raw_connection final : public net::retirable, private dial_user, private relay::pipe_owner {
public:
    raw_connection(raw_origin& owner, engine::stream& s, const wire::itp::open_head& open)
        : owner_(owner),
          stream_(&s),
          ends_{open.visitor, open.destination},
          dial_(owner.loop(), owner.addresses(), nullptr, owner.options().upstream.host, *this),
          pipe_(owner.loop(), *this),
          started_(owner.loop().now()) {
        pipe_.join(s);
    }

    void start() { dial_.start(); }

private:
    void on_dialled(std::unique_ptr<net::connection> c) override {
        if (stream_ == nullptr) return net::connection::close_now(std::move(c));
        stream_->accept();
        wire::itp::reply_head connected;
        connected.status = 200;
        stream_->send_reply(connected, 0);
        if (owner_.options().proxy) {
            std::string header;
            wire::append_proxy_header(header, *owner_.options().proxy, ends_);
            c->write(header);
        }
        pipe_.join(std::move(c));
    }

    void on_dial_failed(errc why) override {
        if (why == errc::target_unreachable) owner_.unreachable();
        const bool late = why == errc::target_timeout;
        pipe_.cut(late ? code::origin_timeout : code::origin_unreachable, owner_.options().upstream.display);
        leave(connection_end::unreachable);
    }

    void on_pipe_over(relay::pipe_end how, code, std::string_view) override {
        dial_.cancel();
        leave(how == relay::pipe_end::finished    ? connection_end::finished
              : how == relay::pipe_end::by_tunnel ? connection_end::by_visitor
                                                  : connection_end::by_target);
    }

    void leave(connection_end how) {
        stream_ = nullptr;
        const auto from = shown_address(ends_.source);
        const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(owner_.loop().now() - started_);
        owner_.report({from, pipe_.bytes_to_connection(), pipe_.bytes_from_connection(), took, how});
        owner_.loop().retire(std::unique_ptr<net::retirable>(this));
    }

    raw_origin& owner_;
    engine::stream* stream_;
    wire::proxy_ends ends_;
    target_dial dial_;
    relay::pipe pipe_;
    std::chrono::steady_clock::time_point started_;
};

void raw_origin::serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t) {
    auto* c = new raw_connection(*this, s, open);
    loop_.keep(std::unique_ptr<net::retirable>(c));
    c->start();
}

}  // namespace

std::unique_ptr<origin> open_raw_origin(net::event_loop& loop, const tunnel_options& options, tunnel_events& events) {
    return std::make_unique<raw_origin>(loop, options, events);
}

}  // namespace instatunnel::client
