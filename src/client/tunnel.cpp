#include "instatunnel/client/tunnel.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "app_origin.hpp"
#include "directory_origin.hpp"
#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/random.hpp"
#include "instatunnel/client/recording.hpp"
#include "instatunnel/engine/hello.hpp"
#include "instatunnel/engine/session.hpp"
#include "instatunnel/net/backoff.hpp"
#include "instatunnel/net/connection.hpp"
#include "instatunnel/net/listener.hpp"
#include "instatunnel/net/tls.hpp"
#include "lane_failure.hpp"
#include "raw_origin.hpp"
#include "replay_queue.hpp"
#include "stdio_origin.hpp"
#include "tunnel_dialler.hpp"
#include "v1_link.hpp"
#include "v1_tunnel.hpp"

namespace instatunnel::client {
namespace {

using engine::code;
using std::chrono::milliseconds;

constexpr milliseconds greeting_limit{10'000};  // TLS and HELLO together
constexpr milliseconds tick_length{1'000};
constexpr milliseconds goodbye_step{50};
constexpr milliseconds goodbye_limit{5'000};
// A connection that is lost sooner than this was no recovery: the waits go on growing.
constexpr milliseconds stable_after{5'000};
constexpr milliseconds clock_jump{3'000};
constexpr std::size_t lane_low_water = 64 * 1024;

// Lane 0 carries small things before big ones: little may wait where it cannot be reordered. On loopback the
// kernel's wake-ups cost more than the wait.
constexpr int lane_notsent_lowat = 128 * 1024;

milliseconds clock_of(clockid_t id) {
    timespec t{};
    ::clock_gettime(id, &t);
    return milliseconds(t.tv_sec * 1000 + t.tv_nsec / 1'000'000);
}

// What a server says that knows neither our protocol nor our version of TLS.
bool may_be_older(int handshake_reason) {
    return handshake_reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL ||
           handshake_reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || handshake_reason == SSL_R_UNSUPPORTED_PROTOCOL;
}

// How much longer the machine has existed than run: grows when it sleeps.
milliseconds time_asleep() {
    return clock_of(CLOCK_BOOTTIME) - clock_of(CLOCK_MONOTONIC);
}

}  // namespace

class tunnel::impl final : public net::connection_events,
                           public engine::session_output,
                           public engine::session_events,
                           public v1_link_events,
                           public dial_events,
                           private net::deferred {
public:
    impl(tunnel_options options, tunnel_events& events)
        : options_(std::move(options)),
          events_(events),
          tick_(
              loop_, [](void* self) { static_cast<impl*>(self)->on_tick(); }, this),
          retry_(
              loop_, [](void* self) { static_cast<impl*>(self)->connect(); }, this),
          greeting_(
              loop_, [](void* self) { static_cast<impl*>(self)->lost(errc::hello_timeout); }, this),
          goodbye_(
              loop_, [](void* self) { static_cast<impl*>(self)->say_goodbye(); }, this),
          instance_(random_base62(20)),
          dialler_(loop_, *this) {}

    ~impl() override {
        if (origin_ != nullptr) {
            origin_->forget_look_ups();
            origin_->let_go_of_loop();
        }
    }

    outcome<summary> run() {
        auto url = net::parse_url(options_.server);
        if (!url) return url.error();
        server_ = std::move(*url);
        if (!server_.is_https)
            return failure(errc::malformed_url, "Tunnels need an https:// server, not " + options_.server);
        if (auto made = choose_transport(options_.via == transport::v1); !made) return made.error();
        if (auto opened = open_origin(); !opened) return opened.error();

        began_ = std::chrono::steady_clock::now();
        asleep_ = time_asleep();
        replays_.open(*origin_);
        loop_.post([this] {
            if (!finished_) connect();
            tick_.arm(tick_length);
        });
        loop_.run();
        if (ended_by_) return *ended_by_;
        return summary{origin_->served(),
                       std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_)};
    }

    void stop() {
        loop_.post([this] {
            if (stopping_ || !online_) return finish({});
            stopping_ = true;
            session_->send_goaway(code::ok, "the client is stopping");
            say_goodbye();
        });
    }

    outcome<recorded> replay(replay_request what, milliseconds limit, const std::stop_token& stop) {
        return replays_.run(std::move(what), limit, stop);
    }

private:
    outcome<void> choose_transport(bool is_v1) {
        auto context = net::make_client_context(options_.cacert, /*lanes_only=*/!is_v1);
        if (!context) return context.error();
        context_ = std::move(*context);
        is_v1_ = is_v1;
        return {};
    }

    outcome<void> open_origin() {
        const bool is_raw = options_.kind != wire::itp::stream_kind::http;
        if (!options_.mcp_command.empty()) {
            origin_ = std::make_unique<stdio_origin>(loop_, options_, events_);
            return {};
        }
        auto opened = is_raw                           ? open_raw_origin(loop_, options_, events_)
                      : options_.upstream.is_directory ? open_directory_origin(loop_, options_, events_)
                                                       : open_app_origin(loop_, options_, events_);
        if (!opened) return opened.error();
        origin_ = std::move(*opened);
        return {};
    }

    // --- connecting --------------------------------------------------------------------------------------------------

    void connect() {
        if (finished_) return;
        const net::endpoint_name to{server_.host, server_.port};
        // The tunnel is made once; a server that has forgotten it makes another one.
        const bool begun = is_v1_ ? dialler_.dial_v1(to, options_, name_, place_) : dialler_.dial(to);
        if (!begun) lost(errc::busy);
    }

    // No edge of ours answered; it may be a server of the published clients.
    void ask_for_older(const failure& otherwise) {
        if (options_.via != transport::automatic || options_.kind != wire::itp::stream_kind::http || was_online_)
            return lost(otherwise);
        drop_lane();
        if (!dialler_.ask_for_older(options_, otherwise)) lost(errc::busy);
    }

    void on_older_known(bool is_older, const failure& otherwise) override {
        if (finished_) return;
        if (!is_older || !choose_transport(true)) return lost(otherwise);
        told_before_ = otherwise;
        connect();
    }

    void on_v1_dialled(std::optional<v1_place> place, outcome<unique_fd> dialled) override {
        const auto before = std::exchange(told_before_, {});
        // Any web server knows nothing of /v1/meta; one that knows no tunnels either is no server of ours at all.
        const bool is_stranger =
            !dialled && (dialled.error().code == errc::not_found || dialled.error().code == errc::unexpected_reply);
        if (before && !place && is_stranger && !finished_) return lost(*before);
        if (place) place_ = std::move(place);
        on_dialled(std::move(dialled));
    }

    void on_dialled(outcome<unique_fd> dialled) override {
        if (finished_ || conn_ != nullptr) return;
        if (!dialled) return lost(dialled.error());
        net::tune_socket(dialled->get(), lane_notsent_lowat, net::peer_of(dialled->get()).is_loopback);
        SSL* ssl = SSL_new(context_.get());
        static constexpr std::string_view lane_alpn = "\x05itp/1";
        static constexpr std::string_view v1_alpn = "\x08http/1.1";
        const auto alpn = is_v1_ ? v1_alpn : lane_alpn;
        if (ssl == nullptr || !net::expect_peer_name(ssl, server_.host) ||
            SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(alpn.data()),
                                static_cast<unsigned>(alpn.size())) != 0) {
            SSL_free(ssl);
            return lost(errc::tls_failed);
        }
        SSL_set_connect_state(ssl);
        greeting_.arm(greeting_limit);
        if (is_v1_) return start_v1(std::move(*dialled), ssl);
        conn_ = net::connection::start(loop_, std::move(*dialled), ssl, *this, /*connecting=*/false);
        conn_->keep_buffers(true);
        conn_->set_water(engine::session::lane_high_water, lane_low_water);
    }

    void start_v1(unique_fd to_server, SSL* ssl) {
        unique_fd ours;
        const auto port = server_.port == 443 ? std::string() : ":" + std::to_string(server_.port);
        const bool is_ipv6 = server_.host.find(':') != std::string::npos;
        const auto authority = (is_ipv6 ? "[" + server_.host + "]" : server_.host) + port;
        auto begun = v1_link::begin(loop_, std::move(to_server), ssl, {server_.host, authority, options_.server},
                                    *place_, options_.key.clone(), *this, ours);
        if (!begun) return lost(begun.error());
        link_ = *begun;
        conn_ = net::connection::plain(loop_, std::move(ours), *this);
        conn_->set_water(engine::session::lane_high_water, lane_low_water);
        begin_session();
    }

    void on_link_gone() override { link_ = nullptr; }

    void on_link_failed(const failure& why) override {
        link_ = nullptr;
        if (why.code != errc::not_found || !options_.existing_host.empty()) return lost(why);
        // The server does not know the tunnel any more: it will make another one.
        place_.reset();
        lost({errc::connection_lost, "The server has forgotten the tunnel"});
    }

    void on_connected() override {
        const unsigned char* name = nullptr;
        unsigned int size = 0;
        SSL_get0_alpn_selected(conn_->ssl(), &name, &size);
        if (size == 0)
            return ask_for_older({errc::unexpected_reply, options_.server + " answers, but is no InstaTunnel edge"});
        begin_session();
    }

    void begin_session() {
        session_ = std::make_unique<engine::session>(engine::role::client, *this, *this, chunks_);
        session_->start();
        engine::hello h;
        h.key = options_.key.clone();
        h.instance = instance_;
        h.resumed = was_online_;
        // What the edge gave us once is asked for again, so that a made-up name survives a reconnect to another edge.
        auto& wish = h.tunnels.emplace_back();
        wish.ref = "web";
        wish.proto = wire::itp::kind_name(options_.kind);
        wish.name = options_.name.empty() && options_.existing_host.empty() ? name_ : options_.name;
        wish.host = options_.existing_host;
        wish.target = options_.upstream.display;
        wish.port = options_.public_port != 0 ? options_.public_port : port_;
        wish.mcp = options_.mcp;
        add_mcp_auth(wish);
        if (asks_for_password()) {
            wish.password = options_.visitor_password.clone();
            wish.basic = options_.visitor_basic.clone();
            wish.seed = visitor_seed_.clone();
        }
        session_->send_hello(engine::to_json(h));
    }

    void add_mcp_auth(engine::tunnel_wish& wish) const {
        if (options_.mcp_auth == mcp_guard::none) return;
        wish.mcp_auth = options_.mcp_auth == mcp_guard::bearer ? "bearer" : "oauth";
        if (options_.mcp_auth == mcp_guard::bearer)
            wish.mcp_token_sha256 = to_base64url(sha256(options_.mcp_token.reveal()));
        else
            wish.mcp_users = options_.mcp_users;
    }

    bool asks_for_password() const noexcept {
        return !options_.visitor_password.empty() || !options_.visitor_basic.empty();
    }

    void on_welcome(std::string_view json) override {
        auto welcome = engine::parse_welcome(json);
        if (!welcome || online_) return lost(errc::protocol_error);
        if (welcome->tunnels.front().proto != wire::itp::kind_name(options_.kind))
            return lost({errc::version_mismatch,
                         "This server does not serve " + std::string(wire::itp::kind_name(options_.kind)) + " tunnels",
                         "Ask its owner to update it"});
        // An edge that does not know what it was asked for would let everybody in.
        if (asks_for_password() && !welcome->tunnels.front().guarded)
            return lost({errc::version_mismatch, "This server cannot ask visitors for a password; nothing was served",
                         "Ask its owner to update it, or leave --password and --auth out"});
        if (options_.mcp_auth != mcp_guard::none && !welcome->tunnels.front().guarded)
            return lost({errc::version_mismatch, "This server cannot guard MCP servers; nothing was served",
                         "Ask its owner to update it, or leave --mcp-auth out"});
        greeting_.cancel();
        online_ = true;
        online_since_ = loop_.now();
        const auto& grant = welcome->tunnels.front();
        name_ = grant.name;
        port_ = grant.port;
        log::info("tunnel.ready").with("url", grant.url).with("session", welcome->session);
        events_.on_ready({grant.url, grant.name, options_.upstream.display, is_v1_ ? "v1" : "v2", was_online_});
        was_online_ = true;
    }

    // --- the lane ----------------------------------------------------------------------------------------------------

    void on_readable() override {
        while (conn_ != nullptr && session_ != nullptr) {
            const auto space = loop_.scratch();
            const auto got = conn_->read(space.data(), space.size());
            if (got.status == net::read_status::would_block) return;
            if (got.status != net::read_status::data) return lost(errc::connection_lost);
            if (!session_->receive({space.data(), got.size}, loop_.now())) return;
            if (conn_ == nullptr || got.drained) return;
            if (got.size == space.size()) return conn_->resume_reading();
        }
    }

    void on_writable() override {
        if (session_ != nullptr) session_->flush();
    }
    void run_deferred() override {
        if (conn_ != nullptr && session_ != nullptr) session_->flush();
    }
    void on_broken(errc why) override {
        if (why == errc::tls_failed && conn_ != nullptr && !conn_->is_connected() && session_ == nullptr) {
            const auto told = net::explain_handshake_failure(conn_->ssl(), server_.host, conn_->handshake_reason());
            return may_be_older(conn_->handshake_reason()) ? ask_for_older(told) : lost(told);
        }
        lost(why);
    }

    void write(std::string_view bytes) override { conn_->write(bytes); }
    std::size_t queued() const override { return conn_->queued(); }
    void request_flush() override { loop_.defer(*this); }

    void on_open(engine::stream& s, const wire::itp::open_head& open, std::uint8_t flags) override {
        if (open.kind != options_.kind || stopping_) {
            s.reset(code::refused, {});
            s.release();
            return;
        }
        if (options_.record != nullptr && open.kind == wire::itp::stream_kind::http)
            s.set_tap(options_.record->tap(name_, open, flags));
        origin_->serve(s, open, flags);
    }
    void on_peer_error(code why, std::string_view text) override { lost(failure_for(why, text)); }
    void on_violation(code why, std::string_view rule) override {
        session_->flush();
        lost({errc_for(why), "The edge broke the tunnel protocol: " + std::string(rule)});
    }
    void on_goaway(code, std::string_view text) override {
        log::info("tunnel.goaway").with("reason", text);
        leaving_ = true;
        if (session_->open_streams() == 0) lost({errc::connection_lost, "The server is restarting"});
    }

    // --- life --------------------------------------------------------------------------------------------------------

    void on_tick() {
        tick_.arm(tick_length);
        const auto asleep = time_asleep();
        const bool woke_up = asleep - asleep_ > clock_jump;
        asleep_ = asleep;
        if (!online_) {
            if (woke_up && retry_.is_armed()) retry_.arm(milliseconds(0));
            return;
        }
        const bool idle = session_->open_streams() == 0 && conn_->queued() == 0;
        if (loop_.now() - online_since_ >= stable_after) backoff_.reset();
        if (leaving_ && idle) return lost({errc::connection_lost, "The server is restarting"});
        if (woke_up) return lost({errc::connection_lost, "This machine was asleep"});
        if (!session_->check_alive(loop_.now())) lost({errc::connection_lost, "The server has fallen silent"});
    }

    // Stops when everything has reached the edge: the last reply may still be on a slow line, and closing with bytes
    // unread would cut it there. The edge closes in return, which ends the run.
    void say_goodbye() {
        if (!online_ || finished_) return;
        session_->flush();  // the goodbye itself, before the end is queued behind it
        if (session_->open_streams() == 0 && conn_->queued() == 0 && !conn_->is_write_finished()) {
            conn_->finish_writing();
            goodbye_deadline_ = loop_.now() + goodbye_limit;
        }
        if (conn_->is_write_finished() && loop_.now() >= goodbye_deadline_) return finish({});
        goodbye_.arm(goodbye_step);
    }

    void lost(failure why) {
        if (finished_) return;
        const bool first_try = !was_online_;
        drop_lane();
        const bool fatal = !is_retryable(why.code) && why.code != errc::tls_untrusted;
        if (stopping_ || fatal || first_try)
            return finish(stopping_ ? std::optional<failure>() : std::optional<failure>(why));
        if (backoff_.attempt() == 0) outage_began_ = std::chrono::steady_clock::now();
        const auto outage = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - outage_began_);
        auto wait = backoff_.next(outage, random_u64());
        // A server that counts attempts is not asked more often than it likes.
        if (why.code == errc::rate_limited) wait = std::max(wait, milliseconds(5'000));
        log::info("tunnel.reconnecting").with("reason", why.what()).with("wait_ms", wait.count());
        events_.on_reconnecting(why, wait, backoff_.attempt());
        retry_.arm(wait);
    }

    void drop_lane() {
        online_ = leaving_ = false;
        greeting_.cancel();
        if (link_ != nullptr) std::exchange(link_, nullptr)->abandon();
        if (session_ != nullptr) {
            session_->lose_all_streams({});
            // May be on the stack: it goes with the turn.
            struct last_breath final : net::retirable {
                std::unique_ptr<engine::session> held;
            };
            auto dying = std::make_unique<last_breath>();
            dying->held = std::move(session_);
            loop_.retire(std::move(dying));
        }
        if (conn_ != nullptr) net::connection::close_gently(std::move(conn_));
    }

    void finish(std::optional<failure> why) {
        if (finished_) return;
        finished_ = true;
        ended_by_ = std::move(why);
        replays_.close();
        if (session_ != nullptr && conn_ != nullptr) session_->flush();
        drop_lane();
        tick_.cancel();
        retry_.cancel();
        // The goodbye leaves with this turn; the loop ends behind it.
        loop_.post([this] { loop_.stop(); });
    }

    tunnel_options options_;
    tunnel_events& events_;
    net::url_parts server_;
    net::ssl_ctx_ptr context_;
    engine::chunk_pool chunks_;
    std::unique_ptr<origin> origin_;  // before the loop, whose last objects still use it
    net::event_loop loop_;
    net::timer tick_;
    net::timer retry_;
    net::timer greeting_;
    net::timer goodbye_;
    std::string instance_;
    const secret visitor_seed_{random_base62(43)};
    tunnel_dialler dialler_;
    replay_queue replays_{loop_, chunks_, options_.record};
    std::unique_ptr<engine::session> session_;
    std::unique_ptr<net::connection> conn_;
    net::backoff backoff_;
    std::chrono::steady_clock::time_point began_;
    std::chrono::steady_clock::time_point outage_began_;
    std::chrono::steady_clock::time_point online_since_;
    std::chrono::steady_clock::time_point goodbye_deadline_;
    milliseconds asleep_{0};
    std::string name_;
    std::uint16_t port_ = 0;
    bool is_v1_ = false;
    std::optional<v1_place> place_;       ///< v1: the tunnel that the server has made
    std::optional<failure> told_before_;  ///< v1, chosen for want of v2: why there is none
    v1_link* link_ = nullptr;             ///< v1: lives on the loop
    bool online_ = false;
    bool was_online_ = false;
    bool leaving_ = false;
    bool stopping_ = false;
    bool finished_ = false;
    std::optional<failure> ended_by_;
};

tunnel::tunnel(tunnel_options options, tunnel_events& events)
    : impl_(std::make_unique<impl>(std::move(options), events)) {}
tunnel::~tunnel() = default;

outcome<summary> tunnel::run() {
    return impl_->run();
}

void tunnel::stop() {
    impl_->stop();
}

outcome<recorded> tunnel::replay(replay_request what, milliseconds limit, const std::stop_token& stop) {
    return impl_->replay(std::move(what), limit, stop);
}

}  // namespace instatunnel::client
