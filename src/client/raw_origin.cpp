#include "raw_origin.hpp"

#include <arpa/inet.h>

#include <string>

#include "instatunnel/relay/pipe.hpp"
#include "local_app.hpp"
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

// One visitor's connection: what the visitor sends early waits until the program has accepted. Kept by the loop.
class raw_connection final : public net::retirable, private dial_user, private relay::pipe_owner {
public:
    raw_connection(local_app& owner, engine::stream& s, const wire::itp::open_head& open)
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
        owner_.report(connection_info{from, pipe_.bytes_to_connection(), pipe_.bytes_from_connection(), took, how});
        owner_.loop().retire(std::unique_ptr<net::retirable>(this));
    }

    local_app& owner_;
    engine::stream* stream_;
    wire::proxy_ends ends_;
    target_dial dial_;
    relay::pipe pipe_;
    std::chrono::steady_clock::time_point started_;
};

class raw_origin final : public origin {
public:
    explicit raw_origin(std::unique_ptr<local_app> app) : app_(std::move(app)) {}

    void serve(engine::stream& s, const wire::itp::open_head& open, std::uint8_t) override {
        auto* c = new raw_connection(*app_, s, open);
        app_->loop().keep(std::unique_ptr<net::retirable>(c));
        c->start();
    }
    void forget_look_ups() noexcept override { app_->addresses().forget_look_ups(); }
    std::uint64_t served() const noexcept override { return app_->served(); }

private:
    std::unique_ptr<local_app> app_;
};

}  // namespace

outcome<std::unique_ptr<origin>> open_raw_origin(net::event_loop& loop, const tunnel_options& options,
                                                 tunnel_events& events) {
    auto app = local_app::make(loop, options, events);
    if (!app) return app.error();
    return std::unique_ptr<origin>(std::make_unique<raw_origin>(std::move(*app)));
}

}  // namespace instatunnel::client
