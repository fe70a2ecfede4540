#include <utime.h>

#include <catch2/catch.hpp>

#include "instatunnel/net/tls.hpp"
#include "test_authority.hpp"

using namespace instatunnel;
using test::temporary_folder;
using test::test_authority;

namespace {

/// The PEM text of the certificate that `source` gives a connection.
std::string selected(net::certificate_source& source) {
    SSL_CTX* ctx = SSL_CTX_new(TLS_server_method());
    SSL* ssl = SSL_new(ctx);
    REQUIRE(source.select(ssl, "demo.t.example.com"));
    auto pem = net::certificate_to_pem(SSL_get_certificate(ssl));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return pem;
}

}  // namespace

TEST_CASE("certificate files are used with their chain for every name", "[tls]") {
    const temporary_folder folder;
    const test_authority authority;
    const auto pair = authority.sign("*.t.example.com");
    auto source = net::file_certificates::load(folder.write("c.pem", pair.certificate + authority.pem()),
                                               folder.write("k.pem", pair.key));
    REQUIRE(source.has_value());
    CHECK(selected(**source) == pair.certificate);
    CHECK_FALSE((*source)->changed_on_disk());
}

TEST_CASE("a pair that does not fit or is no PEM is refused with the file's name", "[tls]") {
    const temporary_folder folder;
    const test_authority authority;
    const auto pair = authority.sign("a.test");
    const auto other = authority.sign("b.test");
    const auto chain = folder.write("c.pem", pair.certificate);
    const auto load = [&](const std::filesystem::path& key) {
        return net::file_certificates::load(chain, key).error();
    };

    const auto foreign = load(folder.write("foreign.pem", other.key));
    CHECK(foreign.code == errc::tls_failed);
    CHECK(foreign.detail == "The key in " + (folder.path() / "foreign.pem").string() +
                                " does not belong to the first certificate in " + chain.string());
    CHECK(load(folder.write("none.pem", "hello")).code == errc::tls_failed);
    CHECK(load(folder.path() / "missing.pem").code == errc::file_missing);
    CHECK(net::file_certificates::load(folder.path() / "missing.pem", chain).error().code == errc::file_missing);
    CHECK(net::file_certificates::load(folder.write("empty.pem", ""), chain).error().code == errc::tls_failed);
}

TEST_CASE("a key with a passphrase is refused without asking anybody", "[tls]") {
    const temporary_folder folder;
    const auto pair = test_authority().sign("a.test");
    const auto locked =
        folder.write("locked.pem",
                     "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
                     "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAAAAAAAAAAAAAAAAAAAA==\n"
                     "-----END RSA PRIVATE KEY-----\n");
    const auto source = net::file_certificates::load(folder.write("c.pem", pair.certificate), locked);
    REQUIRE(source.has_error());
    CHECK(source.error().code == errc::tls_failed);
    CHECK(source.error().detail.find("without a passphrase") != std::string::npos);
}

TEST_CASE("a reload takes a good pair and keeps the old one when the new one is bad", "[tls]") {
    const temporary_folder folder;
    const test_authority authority;
    const auto first = authority.sign("a.test");
    const auto second = authority.sign("b.test");
    auto source =
        net::file_certificates::load(folder.write("c.pem", first.certificate), folder.write("k.pem", first.key));
    REQUIRE(source.has_value());

    folder.write("c.pem", second.certificate);
    CHECK((*source)->changed_on_disk());
    const auto bad = (*source)->reload();
    REQUIRE(bad.has_error());
    CHECK(bad.error().code == errc::tls_failed);
    CHECK(selected(**source) == first.certificate);

    folder.write("k.pem", second.key);
    CHECK((*source)->reload().has_value());
    CHECK(selected(**source) == second.certificate);
    CHECK_FALSE((*source)->changed_on_disk());
}

TEST_CASE("a file with another time counts as changed, a file that is gone does not", "[tls]") {
    const temporary_folder folder;
    const auto pair = test_authority().sign("a.test");
    const auto key = folder.write("k.pem", pair.key);
    auto source = net::file_certificates::load(folder.write("c.pem", pair.certificate), key);
    REQUIRE(source.has_value());
    std::filesystem::remove(folder.path() / "c.pem");
    CHECK_FALSE((*source)->changed_on_disk());
    const utimbuf long_ago{1000000000, 1000000000};
    REQUIRE(::utime(key.c_str(), &long_ago) == 0);
    CHECK((*source)->changed_on_disk());
}
