#include "instatunnel/api/http_client.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <optional>

#include "instatunnel/net/tls.hpp"
#include "loopback_server.hpp"
#include "test_authority.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;
using test::loopback_server;

namespace {

/// A server that says `answer` to every request, and a client that trusts it. With `closes_properly` off it is cut
/// after the answer, without the word of TLS that the answer is complete.
struct server {
    test::temporary_folder folder;
    test::test_authority authority;
    std::string cacert = folder.write("ca.pem", authority.pem());
    net::ssl_ctx_ptr ctx;
    std::string seen;
    std::optional<loopback_server> peer;
    std::unique_ptr<api::http_client> client;

    explicit server(std::function<void(SSL*, std::string&)> talk, const std::string& name = "localhost") {
        const auto pair = authority.sign(name);
        auto source =
            net::file_certificates::load(folder.write("c.pem", pair.certificate), folder.write("k.pem", pair.key));
        REQUIRE(source.has_value());
        ctx = *net::make_server_context(*source, nullptr);
        peer.emplace([this, talk = std::move(talk)](int fd) {
            test::serve_tls(ctx.get(), fd, [&](SSL* ssl) { talk(ssl, seen); });
        });
        client = *api::make_http_client(cacert);
    }

    std::string url(const std::string& path = "/") const {
        return "https://localhost:" + std::to_string(peer->port()) + path;
    }

    outcome<api::http_reply> get(const std::string& path = "/", std::chrono::milliseconds limit = 10s) {
        return client->send("GET", url(path), {}, {}, limit);
    }
};

auto says(std::string answer) {
    return [answer = std::move(answer)](SSL* ssl, std::string& seen) {
        seen = test::read_some(ssl, "\r\n\r\n");
        test::write_all(ssl, answer);
    };
}

failure error_of(const outcome<api::http_reply>& reply) {
    REQUIRE(reply.has_error());
    return reply.error();
}

}  // namespace

TEST_CASE("a request carries its line, host and fields and nothing unasked", "[http]") {
    server peer(says("HTTP/1.1 204 No Content\r\n\r\n"));
    const auto reply =
        peer.client->send("GET", peer.url("/v1/auth/user?x=1"), {{"Authorization", "Bearer it_x"}}, {}, 10s);
    REQUIRE(reply.has_value());
    CHECK(reply->status == 204);
    const auto host = "localhost:" + std::to_string(peer.peer->port());
    peer.peer.reset();
    CHECK(peer.seen ==
          "GET /v1/auth/user?x=1 HTTP/1.1\r\nHost: " + host +
              "\r\nUser-Agent: instatunnel/0.1.0\r\nConnection: close\r\nAuthorization: Bearer it_x\r\n\r\n");
}

TEST_CASE("a body goes out with its length and the answer's body comes back", "[http]") {
    server peer([](SSL* ssl, std::string& seen) {
        seen = test::read_some(ssl, "{\"a\":1}");
        test::write_all(ssl, "HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-One: 1\r\nx-one: 2\r\n\r\nhello");
    });
    const auto reply = peer.client->send("POST", peer.url(), {}, "{\"a\":1}", 10s);
    REQUIRE(reply.has_value());
    CHECK(reply->status == 201);
    CHECK(reply->body.reveal() == "hello");
    CHECK(reply->field("X-ONE") == "1");
    CHECK(reply->field("absent").empty());
    peer.peer.reset();
    CHECK(peer.seen.find("\r\nContent-Length: 7\r\n") != std::string::npos);
}

TEST_CASE("chunked and close-delimited bodies are read to their end", "[http]") {
    server chunked(
        says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5;x=y\r\ndefgh\r\n0\r\nT: v\r\n\r\n"));
    auto reply = chunked.get();
    REQUIRE(reply.has_value());
    CHECK(reply->body.reveal() == "abcdefgh");

    server closing(says("HTTP/1.0 200 OK\r\n\r\nuntil the end"));
    reply = closing.get();
    REQUIRE(reply.has_value());
    CHECK(reply->body.reveal() == "until the end");
}

TEST_CASE("an answer in single bytes is put together", "[http]") {
    server peer([](SSL* ssl, std::string&) {
        test::read_some(ssl, "\r\n\r\n");
        const std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        for (const char c : answer)
            test::write_all(ssl, {&c, 1});
    });
    const auto reply = peer.get();
    REQUIRE(reply.has_value());
    CHECK(reply->body.reveal() == "hi");
}

TEST_CASE("interim answers are skipped, but not without end", "[http]") {
    server peer(
        says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
             "OK\r\nContent-Length: 0\r\n\r\n"));
    const auto reply = peer.get();
    REQUIRE(reply.has_value());
    CHECK(reply->status == 200);
    CHECK(reply->field("Link").empty());

    std::string many;
    for (int i = 0; i < 20; ++i)
        many += "HTTP/1.1 102 Processing\r\n\r\n";
    server endless(says(many));
    CHECK(error_of(endless.get()).code == errc::unexpected_reply);
}

TEST_CASE("an answer to HEAD has no body", "[http]") {
    server peer(says("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
    const auto reply = peer.client->send("HEAD", peer.url(), {}, {}, 10s);
    REQUIRE(reply.has_value());
    CHECK(reply->body.empty());
    CHECK(reply->field("content-length") == "1000");
}

TEST_CASE("redirects are given back, not followed", "[http]") {
    server peer(says("HTTP/1.1 302 Found\r\nLocation: https://example.com/\r\nContent-Length: 0\r\n\r\n"));
    const auto reply = peer.get();
    REQUIRE(reply.has_value());
    CHECK(reply->status == 302);
    CHECK(reply->field("Location") == "https://example.com/");
}

TEST_CASE("a body beyond 4 MiB is refused however it is framed", "[http]") {
    const std::string large(4u << 20, 'x');
    server fits(says("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n" + large));
    const auto reply = fits.get();
    REQUIRE(reply.has_value());
    CHECK(reply->body.reveal().size() == large.size());

    for (const auto& answer :
         {"HTTP/1.1 200 OK\r\nContent-Length: 4194305\r\n\r\n" + large,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n400001\r\n" + large + "x\r\n0\r\n\r\n",
          "HTTP/1.0 200 OK\r\n\r\n" + large + "x"}) {
        server peer(says(answer));
        const auto error = error_of(peer.get());
        CHECK(error.code == errc::unexpected_reply);
        CHECK(error.detail.find(" is larger than 4.2 MB") != std::string::npos);
    }
}

TEST_CASE("what is not HTTP or not complete is an unexpected answer that names the server", "[http]") {
    const auto answer = GENERATE(
        as<std::string>{}, "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", "HTTP/1.1 200 OK\r\n", "",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab");
    CAPTURE(answer);
    server peer(says(answer));
    const auto error = error_of(peer.get());
    CHECK(error.code == errc::unexpected_reply);
    CHECK(error.detail.starts_with("The answer of https://localhost:"));
}

TEST_CASE("a connection that is cut is never taken for the end of a body", "[http]") {
    server peer([](SSL* ssl, std::string&) {
        test::read_some(ssl, "\r\n\r\n");
        test::write_all(ssl, "HTTP/1.0 200 OK\r\n\r\npart of it");
        ::shutdown(SSL_get_fd(ssl), SHUT_WR);
    });
    const auto error = error_of(peer.get());
    CHECK(error.code == errc::server_unreachable);
    CHECK(error.detail.find("closed the connection before its answer was complete") != std::string::npos);
}

TEST_CASE("a server that stalls ends at the limit", "[http]") {
    const auto silent = [](SSL* ssl, std::string&) { test::read_some(ssl, "never"); };
    const auto half = [](SSL* ssl, std::string&) {
        test::write_all(ssl, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        test::read_some(ssl, "never");
    };
    for (const auto& talk :
         {std::function<void(SSL*, std::string&)>(silent), std::function<void(SSL*, std::string&)>(half)}) {
        server peer(talk);
        const auto began = std::chrono::steady_clock::now();
        const auto error = error_of(peer.get("/", 400ms));
        CHECK(error.code == errc::connect_timeout);
        CHECK(error.detail == "localhost:" + std::to_string(peer.peer->port()) + " did not answer in time");
        CHECK(std::chrono::steady_clock::now() - began < 8s);
    }
}

TEST_CASE("a server that trickles its answer does not outlast the limit", "[http]") {
    std::atomic<bool> stopped{false};
    server peer([&stopped](SSL* ssl, std::string&) {
        test::write_all(ssl, "HTTP/1.1 200 OK\r\n\r\n");
        while (!stopped && SSL_write(ssl, "x", 1) == 1)
            std::this_thread::sleep_for(1ms);
    });
    const auto error = error_of(peer.get("/", 300ms));
    stopped = true;
    CHECK(error.code == errc::connect_timeout);
}

TEST_CASE("a server that never shakes hands ends at the limit", "[http]") {
    loopback_server mute([](int fd) {
        char block[4096];
        while (::recv(fd, block, sizeof block, 0) > 0) {
        }
    });
    const auto client = *api::make_http_client({});
    const auto reply = client->send("GET", "https://localhost:" + std::to_string(mute.port()), {}, {}, 300ms);
    const auto error = error_of(reply);
    CHECK(error.code == errc::tls_handshake_timeout);
    CHECK(error.detail == "localhost:" + std::to_string(mute.port()) + " did not finish the TLS handshake in time");
}

TEST_CASE("a refused connection names host, port and reason", "[http]") {
    test::loopback_listener listener;
    const auto port = std::to_string(listener.port());
    listener.close();
    const auto client = *api::make_http_client({});
    const auto error = error_of(client->send("GET", "https://localhost:" + port, {}, {}, 5s));
    CHECK(error.code == errc::server_unreachable);
    CHECK(error.detail == "Cannot reach localhost:" + port + ": Connection refused");
}

TEST_CASE("a server that cannot be trusted gets no request", "[http]") {
    server peer(says("HTTP/1.1 200 OK\r\n\r\n"));
    const auto stranger = *api::make_http_client({});
    const auto error = error_of(stranger->send("GET", peer.url(), {}, {}, 5s));
    CHECK(error.code == errc::tls_untrusted);
    server other(says("HTTP/1.1 200 OK\r\n\r\n"), "other.test");
    CHECK(error_of(other.get()).code == errc::tls_untrusted);
    peer.peer.reset();
    other.peer.reset();
    CHECK(peer.seen.empty());
    CHECK(other.seen.empty());
}

TEST_CASE("addresses and fields that are not valid are refused before anything is sent", "[http]") {
    const auto client = *api::make_http_client({});
    const auto url =
        GENERATE(as<std::string>{}, "", "localhost", "http://localhost/", "https://a b/", "https://localhost/a b",
                 "https://localhost/\r\nX: y", "https://localhost/#f", "https://me:pw@localhost/");
    CAPTURE(url);
    CHECK(error_of(client->send("GET", url, {}, {}, 5s)).code == errc::malformed_url);
    CHECK(error_of(client->send("GET", "https://localhost:1/", {{"X", "a\r\nb"}}, {}, 5s)).code == errc::bad_request);
    CHECK(error_of(client->send("GET", "https://localhost:1/", {{"Host", "a"}}, {}, 5s)).code == errc::bad_request);
    CHECK(error_of(client->send("G T", "https://localhost:1/", {}, {}, 5s)).code == errc::bad_request);
}
