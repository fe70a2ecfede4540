#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "instatunnel/base/file.hpp"
#include "instatunnel/net/tls.hpp"
#include "loopback_server.hpp"
#include "test_authority.hpp"

using namespace instatunnel;
using net::local_authority;
using test::mode_of;
using test::temporary_folder;

namespace {

struct handshake {
    bool client_done = false;
    int client_reason = 0;
    bool reused = false;
    net::x509_ptr leaf;
};

/// One handshake in memory between contexts of ours: no socket, no time.
handshake shake(SSL_CTX* client_ctx, SSL_CTX* server_ctx, const std::string& name, const std::string& sni = {}) {
    SSL* client = SSL_new(client_ctx);
    SSL* server = SSL_new(server_ctx);
    BIO* client_end = nullptr;
    BIO* server_end = nullptr;
    BIO_new_bio_pair(&client_end, 0, &server_end, 0);
    SSL_set_bio(client, client_end, client_end);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_connect_state(client);
    SSL_set_accept_state(server);
    if (!name.empty()) REQUIRE(net::expect_peer_name(client, name));
    if (!sni.empty()) REQUIRE(SSL_set_tlsext_host_name(client, sni.c_str()) == 1);
    handshake seen;
    for (int turn = 0; turn < 10; ++turn) {
        ERR_clear_error();
        seen.client_done = SSL_do_handshake(client) == 1;
        if (const auto error = ERR_peek_error()) seen.client_reason = ERR_GET_REASON(error);
        ERR_clear_error();
        SSL_do_handshake(server);
    }
    if (X509* leaf = SSL_get1_peer_certificate(client)) seen.leaf.reset(leaf);
    SSL_free(client);
    SSL_free(server);
    ERR_clear_error();
    return seen;
}

struct fixture {
    temporary_folder folder;
    std::shared_ptr<local_authority> authority;
    net::ssl_ctx_ptr server;
    net::ssl_ctx_ptr client;

    fixture() {
        auto opened = local_authority::open(folder.path() / "dev", "localhost");
        REQUIRE(opened.has_value());
        authority = *opened;
        auto made = net::make_server_context(authority, nullptr);
        REQUIRE(made.has_value());
        server = std::move(*made);
        auto trusting = net::make_client_context(authority->ca_path().string(), true);
        REQUIRE(trusting.has_value());
        client = std::move(*trusting);
    }
};

std::string text_of(const std::filesystem::path& path) {
    auto text = read_file(path, 1 << 20);
    REQUIRE(text.has_value());
    return *text;
}

}  // namespace

TEST_CASE("the authority's files have their modes and an absolute path", "[tls]") {
    const fixture dev;
    CHECK(dev.authority->ca_path().is_absolute());
    CHECK(mode_of(dev.authority->ca_path()) == 0644);
    CHECK(mode_of(dev.folder.path() / "dev" / "ca-key.pem") == 0600);
    CHECK(mode_of(dev.folder.path() / "dev") == 0700);
}

TEST_CASE("a second start keeps the authority", "[tls]") {
    const fixture dev;
    const auto before = text_of(dev.authority->ca_path());
    const auto again = local_authority::open(dev.folder.path() / "dev", "localhost");
    REQUIRE(again.has_value());
    CHECK(text_of((*again)->ca_path()) == before);
    auto server = net::make_server_context(*again, nullptr);
    CHECK(shake(dev.client.get(), server->get(), "demo.localhost").client_done);
}

TEST_CASE("a client that trusts the authority verifies the leaf of every name", "[tls]") {
    const fixture dev;
    for (const std::string name : {"localhost", "demo.localhost", "api.localhost", "a.b.localhost"}) {
        CAPTURE(name);
        const auto seen = shake(dev.client.get(), dev.server.get(), name);
        CHECK(seen.client_done);
        REQUIRE(seen.leaf);
        CHECK(X509_check_host(seen.leaf.get(), name.c_str(), name.size(), 0, nullptr) == 1);
        int days = 0;
        int seconds = 0;
        ASN1_TIME_diff(&days, &seconds, nullptr, X509_get0_notAfter(seen.leaf.get()));
        CHECK(days >= 89);
        CHECK(days <= 90);
    }
}

TEST_CASE("a visitor without SNI gets the certificate of the domain", "[tls]") {
    const fixture dev;
    const auto seen = shake(dev.client.get(), dev.server.get(), "");
    CHECK(seen.client_done);
    REQUIRE(seen.leaf);
    CHECK(X509_check_host(seen.leaf.get(), "localhost", 9, 0, nullptr) == 1);
}

TEST_CASE("an address sent as SNI counts as none", "[tls]") {
    const fixture dev;
    for (const std::string sni : {"127.0.0.1", "::1"}) {
        const auto seen = shake(dev.client.get(), dev.server.get(), "", sni);
        CHECK(seen.client_done);
        REQUIRE(seen.leaf);
        CHECK(X509_check_host(seen.leaf.get(), "localhost", 9, 0, nullptr) == 1);
    }
}

TEST_CASE("a name outside the domain is refused as unrecognized", "[tls]") {
    const fixture dev;
    const auto name =
        GENERATE(as<std::string>{}, "example.com", "localhost.example.com", "notlocalhost", "a_b.localhost",
                 "-a.localhost", "a..localhost", ".localhost", std::string(64, 'a') + ".localhost");
    CAPTURE(name);
    const auto seen = shake(dev.client.get(), dev.server.get(), name);
    CHECK_FALSE(seen.client_done);
    CHECK(seen.client_reason == SSL_R_TLSV1_UNRECOGNIZED_NAME);
}

TEST_CASE("a leaf is signed once while its name is among the last thousand", "[tls]") {
    const fixture dev;
    const auto serial = [&](const std::string& name) {
        SSL* ssl = SSL_new(dev.server.get());
        REQUIRE(dev.authority->select(ssl, name));
        const auto pem = net::certificate_to_pem(SSL_get_certificate(ssl));
        SSL_free(ssl);
        return pem;
    };
    const auto demo = serial("demo.localhost");
    const auto other = serial("other.localhost");
    CHECK(serial("demo.localhost") == demo);
    for (int i = 0; i < 999; ++i)
        serial("n" + std::to_string(i) + ".localhost");
    CHECK(serial("demo.localhost") == demo);
    CHECK(serial("other.localhost") != other);
}

TEST_CASE("several threads may ask for leafs at once", "[tls]") {
    const fixture dev;
    std::vector<std::thread> threads;
    std::atomic<int> failed{0};
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 50; ++i) {
                SSL* ssl = SSL_new(dev.server.get());
                if (!dev.authority->select(ssl, "n" + std::to_string(i) + ".localhost")) ++failed;
                SSL_free(ssl);
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(failed == 0);
}

TEST_CASE("edges that start at once on a new folder end up with one authority", "[tls]") {
    const temporary_folder folder;
    std::vector<std::thread> threads;
    std::atomic<int> opened{0};
    for (int t = 0; t < 8; ++t)
        threads.emplace_back(
            [&] { opened += local_authority::open(folder.path() / "dev", "localhost").has_value() ? 1 : 0; });
    for (auto& thread : threads)
        thread.join();
    CHECK(opened == 8);
    CHECK(local_authority::open(folder.path() / "dev", "localhost").has_value());
}

TEST_CASE("a key without certificate is finished, a certificate without key is refused", "[tls]") {
    const fixture dev;
    const auto folder = dev.folder.path() / "dev";
    const auto key = text_of(folder / "ca-key.pem");
    std::filesystem::remove(folder / "ca.pem");
    CHECK(local_authority::open(folder, "localhost").has_value());
    CHECK(text_of(folder / "ca-key.pem") == key);

    std::filesystem::remove(folder / "ca-key.pem");
    const auto refused = local_authority::open(folder, "localhost");
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == errc::tls_failed);
    CHECK(refused.error().detail.find("its key is missing") != std::string::npos);
}

TEST_CASE("a key that others can read, or a foreign or damaged one, is refused", "[tls]") {
    const fixture dev;
    const auto folder = dev.folder.path() / "dev";
    std::filesystem::permissions(folder / "ca-key.pem", std::filesystem::perms(0640));
    CHECK(local_authority::open(folder, "localhost").error().code == errc::file_permission);
    REQUIRE(write_file_atomically(folder / "ca-key.pem", net::key_to_pem(net::make_key().get()).reveal(), 0600)
                .has_value());
    CHECK(local_authority::open(folder, "localhost").error().code == errc::tls_failed);
    REQUIRE(write_file_atomically(folder / "ca-key.pem", "hello", 0600).has_value());
    CHECK(local_authority::open(folder, "localhost").error().detail.find("its key is damaged") != std::string::npos);
}

TEST_CASE("a domain that is no host name is refused", "[tls]") {
    const temporary_folder folder;
    const auto domain = GENERATE(as<std::string>{}, "", ".", "a b", "a..b", "*.test", "a,DNS:b");
    CHECK(local_authority::open(folder.path(), domain).error().code == errc::usage);
}
