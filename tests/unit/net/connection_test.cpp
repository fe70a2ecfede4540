#include "instatunnel/net/connection.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <random>

#include "instatunnel/net/tls.hpp"
#include "loop_runner.hpp"
#include "loopback_server.hpp"
#include "test_authority.hpp"

using namespace instatunnel;
using namespace instatunnel::net;
using namespace std::chrono_literals;
using test::loop_runner;

namespace {

struct tcp_pair {
    unique_fd a, b;
    tcp_pair() {
        test::loopback_listener listener;
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(listener.port());
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        a.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(a.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
        b.reset(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(b);
        for (const int fd : {a.get(), b.get()})
            ::fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    // The test's own end waits for its reads.
    static void block(const unique_fd& fd) {
        ::fcntl(fd.get(), F_SETFL, 0);
        const timeval limit{10, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
};

/// Both contexts of a TLS connection to "localhost".
struct tls_sides {
    test::temporary_folder folder;
    test::test_authority authority;
    ssl_ctx_ptr server, client;
    explicit tls_sides(const std::string& name = "localhost") {
        const auto pair = authority.sign(name);
        auto files = file_certificates::load(folder.write("c.pem", pair.certificate), folder.write("k.pem", pair.key));
        REQUIRE(files.has_value());
        auto made = make_server_context(*files, [](std::string_view) { return std::string_view(); });
        REQUIRE(made.has_value());
        server = std::move(*made);
        auto other = make_client_context(folder.write("ca.pem", authority.pem()), false);
        REQUIRE(other.has_value());
        client = std::move(*other);
    }
    SSL* make_server() const {
        SSL* ssl = SSL_new(server.get());
        SSL_set_accept_state(ssl);
        return ssl;
    }
    SSL* make_client() const {
        SSL* ssl = SSL_new(client.get());
        SSL_set_connect_state(ssl);
        REQUIRE(expect_peer_name(ssl, "localhost"));
        return ssl;
    }
};

/// One end: gathers what comes, unless a test says otherwise.
struct endpoint final : connection_events {
    std::unique_ptr<connection> c;
    std::function<void(endpoint&)> on_data, on_room, on_ready;
    std::string got;
    std::size_t most_queued = 0;
    int connected = 0, broken = 0;
    errc why = errc::ok;
    bool ended = false, cut = false;

    void on_connected() override {
        ++connected;
        if (on_ready) on_ready(*this);
    }
    void on_readable() override {
        if (on_data) return on_data(*this);
        while (c != nullptr && read_some()) {
        }
    }
    void on_writable() override {
        if (on_room) on_room(*this);
    }
    void on_broken(errc reason) override {
        ++broken;
        why = reason;
    }
    // False: nothing more for now.
    bool read_some(std::size_t capacity = 16'384) {
        std::string space(capacity, '\0');
        const auto r = c->read(space.data(), space.size());
        ended = ended || r.status == read_status::end;
        cut = cut || r.status == read_status::broken;
        got.append(space, 0, r.size);
        return r.status == read_status::data;
    }
    void write(std::string_view bytes) {
        c->write(bytes);
        most_queued = std::max(most_queued, c->queued());
    }
};

/// Two ends of one connection on one loop, with or without TLS.
struct wired {
    loop_runner r;
    std::unique_ptr<tls_sides> tls;
    endpoint client, server;

    explicit wired(bool with_tls) {
        if (with_tls) tls = std::make_unique<tls_sides>();
        tcp_pair pair;
        client.c = connection::start(r.loop, std::move(pair.a), with_tls ? tls->make_client() : nullptr, client, false);
        server.c = connection::start(r.loop, std::move(pair.b), with_tls ? tls->make_server() : nullptr, server, false);
        REQUIRE(r.run_until([&] { return client.c->is_connected() && server.c->is_connected(); }));
    }
    ~wired() {
        connection::close_now(std::move(client.c));
        connection::close_now(std::move(server.c));
        r.run_once([] {});
    }
};

std::string random_bytes(std::size_t size) {
    std::mt19937_64 random(7);
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
        const auto v = random();
        std::copy_n(reinterpret_cast<const char*>(&v), 8, bytes.data() + i);
    }
    return bytes;
}

}  // namespace

TEST_CASE("10 MiB come back intact from an echo, past a slow reader, in bounded memory", "[connection]") {
    const bool with_tls = GENERATE(false, true);
    INFO((with_tls ? "TLS" : "plain"));
    wired w(with_tls);
    const auto body = random_bytes(10 * 1024 * 1024);
    std::size_t sent = 0;
    const auto pump = [&](endpoint& self) {
        while (!self.c->is_congested() && sent < body.size()) {
            const auto part = std::string_view(body).substr(sent, 1 + sent % 50'000);
            self.write(part);
            sent += part.size();
        }
    };
    w.client.on_room = pump;
    // Takes little at a time and leaves the rest for later.
    w.client.on_data = [&](endpoint& self) {
        if (self.read_some(8192)) self.c->resume_reading();
    };
    w.server.on_data = [&](endpoint& self) {
        while (!self.c->is_congested()) {
            self.got.clear();
            if (!self.read_some(65'536)) return;
            self.write(self.got);
        }
    };
    w.server.on_room = [](endpoint& self) { self.c->resume_reading(); };
    w.r.loop.post([&] { pump(w.client); });
    REQUIRE(w.r.run_until([&] { return w.client.got.size() == body.size(); }, 60s));
    CHECK(w.client.got == body);
    CHECK(w.client.most_queued < connection::high_water + 2 * 65'536);
    CHECK(w.server.most_queued < connection::high_water + 2 * 65'536);
    CHECK(w.client.broken + w.server.broken == 0);
}

TEST_CASE("each direction ends by itself", "[connection]") {
    const bool with_tls = GENERATE(false, true);
    INFO((with_tls ? "TLS" : "plain"));
    wired w(with_tls);
    w.r.run_once([&] {
        w.client.write("request");
        w.client.c->finish_writing();
        w.client.write("never sent");
        CHECK(w.client.c->is_write_finished());
    });
    REQUIRE(w.r.run_until([&] { return w.server.ended; }));
    CHECK(w.server.got == "request");
    CHECK_FALSE(w.client.ended);
    w.r.run_once([&] {
        w.server.write("reply");
        w.server.write(std::string(100'000, 'r'));
        w.server.c->finish_writing();
    });
    REQUIRE(w.r.run_until([&] { return w.client.ended; }));
    CHECK(w.client.got == "reply" + std::string(100'000, 'r'));
    CHECK_FALSE(w.client.cut);
    CHECK(w.client.broken + w.server.broken == 0);
}

TEST_CASE("a gentle close delivers everything that was queued", "[connection]") {
    const bool with_tls = GENERATE(false, true);
    INFO((with_tls ? "TLS" : "plain"));
    wired w(with_tls);
    const auto body = random_bytes(2 * 1024 * 1024);
    // What the peer still sends must not turn the end into a reset.
    w.server.on_data = [&](endpoint& self) {
        self.write("still talking");
        if (self.read_some(8192)) self.c->resume_reading();
    };
    w.r.run_once([&] {
        w.client.write(body);
        connection::close_gently(std::move(w.client.c));
    });
    REQUIRE(w.r.run_until([&] { return w.server.ended || w.server.cut || w.server.broken != 0; }));
    CHECK(w.server.ended);
    CHECK(w.server.got == body);
    CHECK(w.client.broken == 0);
}

TEST_CASE("a hard close is a reset for the peer", "[connection]") {
    loop_runner r;
    tcp_pair pair;
    endpoint self;
    self.c = connection::plain(r.loop, std::move(pair.a), self);
    tcp_pair::block(pair.b);
    r.run_once([&] { connection::close_now(std::move(self.c), /*reset=*/true); });
    char byte;
    CHECK(::recv(pair.b.get(), &byte, 1, 0) == -1);
    CHECK(errno == ECONNRESET);
}

TEST_CASE("a plain close now is a clean end for the peer", "[connection]") {
    loop_runner r;
    tcp_pair pair;
    endpoint self;
    self.c = connection::plain(r.loop, std::move(pair.a), self);
    tcp_pair::block(pair.b);
    r.run_once([&] { connection::close_now(std::move(self.c)); });
    char byte;
    CHECK(::recv(pair.b.get(), &byte, 1, 0) == 0);
}

TEST_CASE("a reset of the peer is told apart from a clean end", "[connection]") {
    const bool with_tls = GENERATE(false, true);
    wired w(with_tls);
    w.r.run_once([&] { connection::close_now(std::move(w.client.c), /*reset=*/true); });
    REQUIRE(w.r.run_until([&] { return w.server.cut; }));
    CHECK_FALSE(w.server.ended);
    CHECK(w.server.broken == 0);
}

TEST_CASE("TLS that is cut without a goodbye is broken, not ended", "[connection]") {
    wired w(/*with_tls=*/true);
    w.r.run_once([&] {
        w.client.write("half of the truth");
        ::shutdown(w.client.c->fd(), SHUT_RD);
    });
    REQUIRE(w.r.run_until([&] { return !w.server.got.empty(); }));
    ::shutdown(w.client.c->fd(), SHUT_WR);
    REQUIRE(w.r.run_until([&] { return w.server.cut || w.server.ended; }));
    CHECK(w.server.cut);
}

TEST_CASE("a handshake that fails is reported once", "[connection]") {
    loop_runner r;
    tcp_pair pair;
    endpoint client, server;

    SECTION("with a peer that speaks something else") {
        tls_sides sides;
        client.c = connection::start(r.loop, std::move(pair.a), sides.make_client(), client, false);
        REQUIRE(::send(pair.b.get(), "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL) == 28);
    }
    SECTION("with a peer that hangs up") {
        tls_sides sides;
        client.c = connection::start(r.loop, std::move(pair.a), sides.make_client(), client, false);
        pair.b.reset();
    }
    SECTION("with a certificate for another name") {
        tls_sides sides("other.example.com");
        client.c = connection::start(r.loop, std::move(pair.a), sides.make_client(), client, false);
        server.c = connection::start(r.loop, std::move(pair.b), sides.make_server(), server, false);
        REQUIRE(r.run_until([&] { return server.broken != 0 || server.cut; }));
        CHECK(server.broken <= 1);
    }
    REQUIRE(r.run_until([&] { return client.broken != 0; }));
    r.run_for(60ms);
    CHECK(client.broken == 1);
    CHECK(client.why == errc::tls_failed);
    CHECK(client.connected == 0);
    connection::close_now(std::move(client.c));
    connection::close_now(std::move(server.c));
    r.run_once([] {});
}

TEST_CASE("a connect that is refused is reported once", "[connection]") {
    loop_runner r;
    test::loopback_listener listener;
    const auto port = listener.port();
    listener.close();
    unique_fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
    endpoint self;
    self.c = connection::start(r.loop, std::move(fd), nullptr, self, /*connecting=*/true);
    REQUIRE(r.run_until([&] { return self.broken != 0; }));
    r.run_for(60ms);
    CHECK(self.broken == 1);
    CHECK(self.why == errc::server_unreachable);
    connection::close_now(std::move(self.c));
    r.run_once([] {});
}

TEST_CASE("the last words of a peer that closed can be read although writing to it fails", "[connection]") {
    loop_runner r;
    tcp_pair pair;
    endpoint self;
    std::string got;
    self.on_data = [](endpoint&) {};  // looks only once the write has failed
    self.c = connection::plain(r.loop, std::move(pair.a), self);
    r.run_once([&] { self.write(std::string(20'000, 'u')); });
    const std::string words = "HTTP/1.1 413 Content Too Large\r\n\r\n";
    REQUIRE(::send(pair.b.get(), words.data(), words.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(words.size()));
    pair.b.reset();  // with our bytes unread: the kernel answers the next ones with a reset
    r.run_for(60ms);
    self.on_data = nullptr;
    r.run_once([&] { self.write(std::string(20'000, 'u')); });
    r.run_once([&] { self.write(std::string(20'000, 'u')); });
    REQUIRE(r.run_until([&] { return self.ended || self.cut; }));
    CHECK(self.got == words);
    CHECK(self.c->queued() == 0);
    connection::close_now(std::move(self.c));
    r.run_once([] {});
}

TEST_CASE("small writes of a turn leave as one record", "[connection]") {
    wired w(/*with_tls=*/true);
    w.r.run_once([&] {
        for (int i = 0; i < 100; ++i)
            w.client.write("0123456789");
        CHECK(w.client.c->queued() == 1000);
    });
    REQUIRE(w.r.run_until([&] { return w.server.got.size() == 1000; }));
    CHECK(w.client.c->queued() == 0);
}

TEST_CASE("marks of its own tell a connection when it is full and when there is room", "[connection]") {
    loop_runner r;
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
    const unique_fd peer(fds[1]);
    endpoint self;
    int room = 0;
    self.on_room = [&](endpoint&) { ++room; };
    self.c = connection::plain(r.loop, unique_fd(fds[0]), self);
    self.c->set_water(1000, 100);
    r.run_once([&] {
        while (!self.c->is_congested())
            self.write(std::string(100'000, 'x'));
    });
    r.run_for(60ms);
    CHECK(room == 0);
    std::string sink(1 << 20, '\0');
    REQUIRE(r.run_until([&] {
        while (::recv(peer.get(), sink.data(), sink.size(), 0) > 0) {
        }
        return room != 0;
    }));
    CHECK(room == 1);
    CHECK(self.c->queued() <= 100);
    connection::close_now(std::move(self.c));
    r.run_once([] {});
}
