#include "instatunnel/edge/server.hpp"

#include <future>
#include <thread>
#include <vector>

#include "doorstep.hpp"
#include "greeting.hpp"
#include "instatunnel/base/clock.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/net/event_loop.hpp"
#include "lane.hpp"
#include "pass_watch.hpp"
#include "redirector.hpp"
#include "visitor_connection.hpp"

namespace instatunnel::edge {
namespace {

constexpr std::chrono::milliseconds housekeeping{2000};
constexpr std::chrono::milliseconds pass_watch{1000};
constexpr std::chrono::milliseconds drain_step{100};
constexpr std::chrono::milliseconds list_wait{500};

class visitor_door final : public net::acceptor::handler {
public:
    visitor_door(worker& w, SSL_CTX* context) : w_(w), context_(context) {}
    void on_accepted(unique_fd fd) override { doorstep::begin(w_, std::move(fd), {context_, nullptr}); }

private:
    worker& w_;
    SSL_CTX* context_;
};

class redirect_door final : public net::acceptor::handler {
public:
    explicit redirect_door(worker& w) : w_(w) {}
    void on_accepted(unique_fd fd) override { redirector::begin(w_, std::move(fd)); }

private:
    worker& w_;
};

class server_impl final : public server {
public:
    server_impl(server_options options, service::service& accounts, net::ssl_ctx_ptr context)
        : options_(std::move(options)),
          context_(std::move(context)),
          worker_(loop_, accounts, options_.limits),
          visitor_door_(worker_, context_.get()),
          redirect_door_(worker_),
          tick_(
              loop_, [](void* self) { static_cast<server_impl*>(self)->on_tick(); }, this),
          drain_tick_(
              loop_, [](void* self) { static_cast<server_impl*>(self)->on_drain_tick(); }, this),
          pass_tick_(
              loop_, [](void* self) { static_cast<server_impl*>(self)->on_pass_tick(); }, this) {
        worker_.domain = options_.domain;
        worker_.api_host = "api." + options_.domain;
        worker_.public_port = options_.public_port;
        worker_.support_contact = options_.support_contact;
        worker_.memory.set_budget(worker_.limits.memory != 0 ? worker_.limits.memory : default_memory_budget());
        worker_.ports.listen_on(options_.port_host);
        worker_.proxies.set(options_.trusted_proxies, options_.proxy_protocol);
        acceptor_ = std::make_unique<net::acceptor>(loop_, std::move(options_.listener), visitor_door_);
        if (options_.http_listener)
            redirect_acceptor_ =
                std::make_unique<net::acceptor>(loop_, std::move(options_.http_listener), redirect_door_);
        compare_clocks();
        tick_.arm(housekeeping);
        pass_tick_.arm(pass_watch);
        thread_ = std::thread([this] { loop_.run(); });
    }

    ~server_impl() override {
        stop(std::chrono::milliseconds(0));
        wait();
    }

    void stop(std::chrono::milliseconds limit) override {
        loop_.post([this, limit] {
            if (worker_.draining || limit.count() == 0) return finish();
            begin_drain(limit);
        });
    }

    std::size_t wait() override {
        if (thread_.joinable()) thread_.join();
        return worker_.cut_requests;
    }

    void close_tunnel(const std::string& tunnel_id, const failure& why) override {
        loop_.post([this, tunnel_id, why] {
            end_lanes([&](const route& r) { return r.tunnel.tunnel_id == tunnel_id; }, why);
        });
    }

    void close_key(const std::string& key_id, errc why) override {
        loop_.post([this, key_id, why] {
            end_lanes([&](const route& r) { return r.key_id == key_id; }, why);
            worker_.passes.end(key_id);
        });
    }

    void look_at_visitors_again() override {
        loop_.post([this] {
            worker_.passes.make_stale();
            look_at_passes(worker_, /*all=*/true);
        });
    }

    outcome<std::vector<service::live_tunnel>> list() override {
        auto answer = std::make_shared<std::promise<std::vector<service::live_tunnel>>>();
        auto future = answer->get_future();
        loop_.post([this, answer] {
            std::vector<service::live_tunnel> live;
            worker_.routes.each([&](const route& r) {
                if (r.via != nullptr) live.push_back(describe(r));
            });
            answer->set_value(std::move(live));
        });
        // The worker never blocks; past this bound it is overloaded, or not running any more.
        if (future.wait_for(list_wait) != std::future_status::ready) return errc::busy;
        return future.get();
    }

private:
    template <class Match>
    void end_lanes(Match matches, const failure& why) {
        std::vector<lane*> ending;
        for (lane* l : worker_.lanes)
            if (l->served() != nullptr && matches(*l->served())) ending.push_back(l);
        for (lane* l : ending)
            l->end(code_for(why.code), words_for(why));
    }

    service::live_tunnel describe(const route& r) const {
        service::live_tunnel t;
        t.tunnel_id = r.tunnel.tunnel_id;
        t.target = r.target;
        t.connected_at_us = r.connected_at_us;
        t.requests = r.requests;
        t.bytes_in = r.bytes_in;
        t.bytes_out = r.bytes_out;
        t.key_id = r.key_id;
        t.account_id = r.tunnel.account_id;
        t.name = r.tunnel.name;
        t.port = r.tunnel.port;
        t.open_requests = r.via->session().open_streams();
        t.round_trip_us = r.via->session().round_trip().count();
        t.latency_p50_us = r.latency.percentile(50).count();
        t.latency_p99_us = r.latency.percentile(99).count();
        // The clock of the loop says how long ago it was, the wall clock when.
        if (r.requests > 0) {
            const auto ago = std::chrono::duration_cast<std::chrono::microseconds>(loop_.now() - r.last_request);
            t.last_request_at_us = wall_now().time_since_epoch().count() - ago.count();
        }
        return t;
    }

    void compare_clocks() {
        const auto steady = std::chrono::steady_clock::now().time_since_epoch();
        worker_.wall_ahead =
            wall_now().time_since_epoch() - std::chrono::duration_cast<std::chrono::microseconds>(steady);
    }

    void on_tick() {
        compare_clocks();
        worker_.memory.look();
        worker_.routes.expire(loop_.now(), worker_.limits.hold);
        worker_.ports.close_unused(worker_.routes);
        if (options_.on_tick) options_.on_tick();
        tick_.arm(housekeeping);
    }

    void on_pass_tick() {
        worker_.passes.forget_unused(loop_.now());
        look_at_passes(worker_, /*all=*/false);
        pass_tick_.arm(pass_watch);
    }

    // Order: no newcomers, then no new requests on open connections, then wait for those under way.
    void begin_drain(std::chrono::milliseconds limit) {
        worker_.draining = true;
        worker_.accounts.release_waiting();
        acceptor_.reset();
        redirect_acceptor_.reset();
        worker_.ports.close_all();
        drain_deadline_ = loop_.now() + limit;
        worker_.routes.each([](route& r) { r.waiting.turn_all_away(); });
        for (lane* l : std::vector<lane*>(worker_.lanes.begin(), worker_.lanes.end()))
            l->drain();
        for (visitor_connection* v : std::vector<visitor_connection*>(worker_.visitors.begin(), worker_.visitors.end()))
            v->drain();
        drain_tick_.arm(drain_step);
    }

    void on_drain_tick() {
        bool busy = loop_.leaving() != 0;
        for (visitor_connection* v : worker_.visitors)
            busy = busy || v->is_busy();
        if (!busy || loop_.now() >= drain_deadline_) return finish();
        drain_tick_.arm(drain_step);
    }

    void finish() {
        if (stopping_) return;
        stopping_ = true;
        worker_.draining = true;
        acceptor_.reset();
        redirect_acceptor_.reset();
        worker_.ports.close_all();
        tick_.cancel();
        pass_tick_.cancel();
        drain_tick_.cancel();
        for (visitor_connection* v : std::vector<visitor_connection*>(worker_.visitors.begin(), worker_.visitors.end()))
            v->abort();
        for (lane* l : std::vector<lane*>(worker_.lanes.begin(), worker_.lanes.end()))
            l->end(engine::code::draining, "the edge is shutting down");
        // What was retired and queued leaves in this turn; then the loop ends.
        loop_.post([this] { loop_.stop(); });
    }

    server_options options_;
    net::ssl_ctx_ptr context_;
    worker worker_;  // before the loop, whose last objects still use it
    net::event_loop loop_;
    visitor_door visitor_door_;
    redirect_door redirect_door_;
    std::unique_ptr<net::acceptor> acceptor_;
    std::unique_ptr<net::acceptor> redirect_acceptor_;
    net::timer tick_;
    net::timer drain_tick_;
    net::timer pass_tick_;
    std::chrono::steady_clock::time_point drain_deadline_;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace

outcome<std::unique_ptr<server>> server::start(server_options options, service::service& accounts) {
    auto context = net::make_server_context(options.certificates, choose_alpn);
    if (!context) return context.error();
    return std::unique_ptr<server>(new server_impl(std::move(options), accounts, std::move(*context)));
}

}  // namespace instatunnel::edge
