#include <fcntl.h>
#include <openssl/err.h>

#include <catch2/catch.hpp>
#include <optional>

#include "instatunnel/net/dial.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/net/tls_probe.hpp"
#include "loopback_server.hpp"
#include "test_authority.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;
using test::loopback_server;
using test::one_day;
using test::temporary_folder;
using test::test_authority;

namespace {

using ssl_ptr = std::unique_ptr<SSL, decltype([](SSL* ssl) { SSL_free(ssl); })>;

/// A client's connection after its handshake, whatever came of it.
struct attempt {
    unique_fd fd;
    ssl_ptr ssl;
    std::optional<failure> error;
};

attempt connect(SSL_CTX* ctx, std::uint16_t port, const std::string& host, std::string_view alpn = {},
                SSL_SESSION* session = nullptr) {
    attempt made;
    auto fd = net::dial({"localhost", port}, 10s);
    REQUIRE(fd.has_value());
    made.fd = std::move(*fd);
    ::fcntl(made.fd.get(), F_SETFL, ::fcntl(made.fd.get(), F_GETFL) & ~O_NONBLOCK);
    made.ssl.reset(SSL_new(ctx));
    SSL_set_fd(made.ssl.get(), made.fd.get());
    if (!alpn.empty())
        SSL_set_alpn_protos(made.ssl.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size()));
    REQUIRE(net::expect_peer_name(made.ssl.get(), host));
    if (session != nullptr) SSL_set_session(made.ssl.get(), session);
    ERR_clear_error();
    if (SSL_connect(made.ssl.get()) != 1) made.error = net::explain_handshake_failure(made.ssl.get(), host);
    return made;
}

std::string_view choose_itp(std::string_view offered) {
    return offered.find("itp/1") != std::string_view::npos ? std::string_view("itp/1") : std::string_view();
}

/// An edge's TLS with a certificate for `name`, answering every connection with one byte.
struct edge {
    temporary_folder folder;
    test_authority authority;
    std::string cacert = folder.write("ca.pem", authority.pem());
    net::ssl_ctx_ptr ctx;
    std::optional<loopback_server> server;

    explicit edge(const std::string& name, std::time_t from = test_authority::now() - one_day,
                  std::time_t until = test_authority::now() + one_day) {
        const auto pair = authority.sign(name, from, until);
        auto source =
            net::file_certificates::load(folder.write("cert.pem", pair.certificate), folder.write("key.pem", pair.key));
        REQUIRE(source.has_value());
        auto made = net::make_server_context(*source, choose_itp);
        REQUIRE(made.has_value());
        ctx = std::move(*made);
        server.emplace([this](int fd) { test::serve_tls(ctx.get(), fd, [](SSL* ssl) { SSL_write(ssl, "x", 1); }); });
    }
};

net::ssl_ctx_ptr client(const std::string& cacert, bool lanes_only = false) {
    auto ctx = net::make_client_context(cacert, lanes_only);
    REQUIRE(ctx.has_value());
    return std::move(*ctx);
}

}  // namespace

TEST_CASE("a client that trusts the authority connects with TLS 1.3 on X25519", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    const auto made = connect(ctx.get(), server.server->port(), "localhost");
    REQUIRE(!made.error);
    CHECK(SSL_version(made.ssl.get()) == TLS1_3_VERSION);
    CHECK(SSL_get_negotiated_group(made.ssl.get()) == NID_X25519);
    char byte = 0;
    REQUIRE(SSL_read(made.ssl.get(), &byte, 1) == 1);
    CHECK(byte == 'x');
}

TEST_CASE("an unknown authority is named as the reason", "[tls]") {
    const edge server("localhost");
    const temporary_folder folder;
    const auto ctx = client(folder.write("other.pem", test_authority().pem()));
    const auto made = connect(ctx.get(), server.server->port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->code == errc::tls_untrusted);
    CHECK(made.error->what() == "The certificate of localhost is not trusted: it is signed by an unknown authority");
    CHECK(made.error->what_next() == "If the server has its own authority, name it: --cacert PATH");
}

TEST_CASE("a certificate for another name is refused and its names are listed", "[tls]") {
    const edge server("api.t.example.com");
    const auto ctx = client(server.cacert);
    const auto made = connect(ctx.get(), server.server->port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->code == errc::tls_untrusted);
    CHECK(made.error->what() ==
          "The certificate of localhost is not trusted: the certificate is for another name: api.t.example.com");
}

TEST_CASE("a host given as address must be an address in the certificate", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    const auto made = connect(ctx.get(), server.server->port(), "127.0.0.1");
    REQUIRE(made.error);
    CHECK(made.error->code == errc::tls_untrusted);
    CHECK(SSL_get_servername(made.ssl.get(), TLSEXT_NAMETYPE_host_name) == nullptr);
}

TEST_CASE("an expired certificate is refused with its date", "[tls]") {
    const edge server("localhost", 1700000000, 1705312800);
    const auto ctx = client(server.cacert);
    const auto made = connect(ctx.get(), server.server->port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->code == errc::tls_untrusted);
    CHECK(made.error->what() == "The certificate of localhost is not trusted: it expired on 2024-01-15");
}

TEST_CASE("a certificate of the future sends the user to the clock", "[tls]") {
    const edge server("localhost", 4102444800, 4133980800);
    const auto ctx = client(server.cacert);
    const auto made = connect(ctx.get(), server.server->port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->what() == "The certificate of localhost is not trusted: it is valid from 2100-01-01 only");
    CHECK(made.error->what_next() == "Check this machine's clock");
}

TEST_CASE("a server that does not speak TLS is told apart from a wrong certificate", "[tls]") {
    loopback_server plain([](int fd) {
        const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
        if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) > 0) ::shutdown(fd, SHUT_WR);
        char block[4096];
        while (::recv(fd, block, sizeof block, 0) > 0) {
        }
    });
    const auto ctx = client({});
    const auto made = connect(ctx.get(), plain.port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->code == errc::tls_failed);
    CHECK(made.error->what() == "The answer of localhost is not TLS");
}

TEST_CASE("a server that closes during the handshake is said to have done so", "[tls]") {
    loopback_server rude([](int fd) {
        char block[4096];
        static_cast<void>(::recv(fd, block, sizeof block, 0));
    });
    const auto ctx = client({});
    const auto made = connect(ctx.get(), rude.port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->what() == "localhost closed the connection during the TLS handshake");
}

TEST_CASE("the edge's selector decides about ALPN and may leave it out", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    const auto chosen = [&](std::string_view offered) {
        const auto made = connect(ctx.get(), server.server->port(), "localhost", offered);
        REQUIRE(!made.error);
        const unsigned char* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(made.ssl.get(), &name, &size);
        return std::string(reinterpret_cast<const char*>(name), size);
    };
    CHECK(chosen("\x08http/1.1\x05itp/1") == "itp/1");
    CHECK(chosen("\x08http/1.1").empty());
    CHECK(chosen({}).empty());
}

TEST_CASE("TLS 1.2 works with ECDHE and AEAD, older versions and other ciphers do not", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    SSL_CTX_set_max_proto_version(ctx.get(), TLS1_2_VERSION);
    CHECK(!connect(ctx.get(), server.server->port(), "localhost").error);

    SSL_CTX_set_cipher_list(ctx.get(), "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA");
    CHECK(connect(ctx.get(), server.server->port(), "localhost").error);

    const auto old = client(server.cacert);
    SSL_CTX_set_min_proto_version(old.get(), TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(old.get(), TLS1_1_VERSION);
    CHECK(connect(old.get(), server.server->port(), "localhost").error);
}

TEST_CASE("a lane refuses a server without TLS 1.3", "[tls]") {
    const edge server("localhost");
    SSL_CTX_set_max_proto_version(server.ctx.get(), TLS1_2_VERSION);
    const auto any = client(server.cacert);
    CHECK(!connect(any.get(), server.server->port(), "localhost").error);
    const auto lanes = client(server.cacert, true);
    const auto made = connect(lanes.get(), server.server->port(), "localhost");
    REQUIRE(made.error);
    CHECK(made.error->what() == "localhost has no version of TLS in common with this program");
}

TEST_CASE("a client puts AES first or last as a whole and the server follows a client without AES", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    REQUIRE(SSL_CTX_set_ciphersuites(ctx.get(), "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") == 1);
    const auto slow = connect(ctx.get(), server.server->port(), "localhost");
    CHECK(std::string(SSL_get_cipher_name(slow.ssl.get())) == "TLS_CHACHA20_POLY1305_SHA256");
    REQUIRE(SSL_CTX_set_ciphersuites(ctx.get(), "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256") == 1);
    const auto fast = connect(ctx.get(), server.server->port(), "localhost");
    CHECK(std::string(SSL_get_cipher_name(fast.ssl.get())) == "TLS_AES_128_GCM_SHA256");
}

TEST_CASE("the edge sends one session ticket, which resumes", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    static int tickets = 0;
    tickets = 0;
    SSL_CTX_set_session_cache_mode(ctx.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ctx.get(), [](SSL*, SSL_SESSION*) { return ++tickets, 0; });
    const auto first = connect(ctx.get(), server.server->port(), "localhost");
    char bytes[2];
    CHECK(SSL_read(first.ssl.get(), bytes, 2) == 1);
    CHECK(SSL_read(first.ssl.get(), bytes, 2) == 0);
    CHECK(tickets == 1);

    SSL_SESSION* session = SSL_get1_session(first.ssl.get());
    const auto second = connect(ctx.get(), server.server->port(), "localhost", {}, session);
    SSL_SESSION_free(session);
    REQUIRE(!second.error);
    CHECK(SSL_session_reused(second.ssl.get()) == 1);
}

TEST_CASE("connections keep no idle buffers and notice a cut", "[tls]") {
    const edge server("localhost");
    constexpr long modes =
        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;
    CHECK((SSL_CTX_get_mode(server.ctx.get()) & modes) == modes);
    CHECK(SSL_CTX_get_read_ahead(server.ctx.get()) == 1);
    CHECK((SSL_CTX_get_options(server.ctx.get()) & SSL_OP_NO_RENEGOTIATION) != 0);
    CHECK((SSL_CTX_get_options(server.ctx.get()) & SSL_OP_IGNORE_UNEXPECTED_EOF) == 0);
}

TEST_CASE("a file of authorities that is missing or empty of certificates is named", "[tls]") {
    const temporary_folder folder;
    const auto missing = net::make_client_context((folder.path() / "none.pem").string(), false);
    REQUIRE(missing.has_error());
    CHECK(missing.error().code == errc::file_missing);
    CHECK(missing.error().detail.find("none.pem") != std::string::npos);

    const auto broken = std::string("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for (const auto& content : {std::string("hello"), std::string(), broken, test_authority().pem() + broken}) {
        const std::string path = folder.write("bad.pem", content);
        const auto ctx = net::make_client_context(path, false);
        REQUIRE(ctx.has_error());
        CHECK(ctx.error().code == errc::tls_failed);
        CHECK(ctx.error().detail == path + " holds no certificate in PEM form");
    }
    const auto directory = net::make_client_context(folder.path().string(), false);
    REQUIRE(directory.has_error());
    CHECK(directory.error().code == errc::tls_failed);
}

TEST_CASE("a look at a server's TLS says version, end and issuer", "[tls]") {
    const edge server("localhost");
    const auto ctx = client(server.cacert);
    auto fd = net::dial({"localhost", server.server->port()}, 10s);
    REQUIRE(fd.has_value());
    const auto seen = net::probe_tls(ctx.get(), std::move(*fd), "localhost", 10s);
    CHECK_FALSE(seen.refused);
    CHECK(seen.version == "TLSv1.3");
    CHECK(seen.valid_until.size() == 10);
    CHECK_FALSE(seen.issuer.empty());
}

TEST_CASE("of a certificate that is refused the issuer and the reason are known", "[tls]") {
    const temporary_folder folder;
    const auto other = client(folder.write("other.pem", test_authority().pem()));
    const auto look = [&](const edge& server, SSL_CTX* ctx) {
        auto fd = net::dial({"localhost", server.server->port()}, 10s);
        REQUIRE(fd.has_value());
        return net::probe_tls(ctx, std::move(*fd), "localhost", 10s);
    };
    const edge unknown("localhost");
    const auto seen = look(unknown, other.get());
    CHECK(seen.objection == net::distrust::unknown_authority);
    CHECK(seen.version.empty());
    CHECK_FALSE(seen.issuer.empty());
    REQUIRE(seen.refused);
    CHECK(seen.refused->code == errc::tls_untrusted);

    const auto now = test_authority::now();
    const edge expired("localhost", now - 2 * one_day, now - one_day);
    CHECK(look(expired, client(expired.cacert).get()).objection == net::distrust::expired);
    const edge early("localhost", now + one_day, now + 2 * one_day);
    CHECK(look(early, client(early.cacert).get()).objection == net::distrust::not_yet_valid);
    const edge named("api.t.example.com");
    CHECK(look(named, client(named.cacert).get()).objection == net::distrust::other_name);
}

TEST_CASE("a peer that says nothing ends a look at the limit", "[tls]") {
    const test::loopback_listener silent;
    const temporary_folder folder;
    const auto ctx = client(folder.write("other.pem", test_authority().pem()));
    auto fd = net::dial({"127.0.0.1", silent.port()}, 10s);
    REQUIRE(fd.has_value());
    const auto seen = net::probe_tls(ctx.get(), std::move(*fd), "localhost", 50ms);
    REQUIRE(seen.refused);
    CHECK(seen.refused->code == errc::tls_handshake_timeout);
}
