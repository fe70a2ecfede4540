#include "instatunnel/fetch/fetcher.hpp"

#include <cstdlib>

#include "https_peer.hpp"

using namespace instatunnel;
using namespace instatunnel::fetch;
using namespace instatunnel::fetch::testing;
using namespace std::chrono_literals;

namespace {

/// Holds every connection until its peer goes away, and says when a request has arrived.
struct silent_peer {
    std::promise<void> first;
    std::atomic<bool> told{false};
    https_peer peer{[this](SSL* ssl) {
        test::read_some(ssl, "\r\n\r\n");
        if (!told.exchange(true)) first.set_value();
        test::read_some(ssl, "never sent");
    }};
    std::future<void> arrived = first.get_future();
};

/// An environment variable for one test.
struct variable {
    explicit variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
    ~variable() { ::unsetenv(name_); }
    const char* name_;
};

}  // namespace

TEST_CASE("an answer comes back with its status, type, cache rule and body", "[fetch]") {
    std::string seen;
    https_peer peer([&](SSL* ssl) {
        seen = test::read_some(ssl, "\r\n\r\n");
        test::write_all(ssl,
                        "HTTP/1.1 404 Not Found\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
                        "Cache-Control: public\r\ncache-control: max-age=60\r\nContent-Length: 2\r\n\r\n{}");
    });
    const auto f = make_fetcher(peer.options());
    const auto r = fetch_now(*f, get(peer.url("/a/../b?c=1")));
    REQUIRE(r);
    CHECK(r->status == 404);
    CHECK(r->content_type == "application/json");
    CHECK(r->is_json());
    CHECK(r->cache_control == "public, max-age=60");
    CHECK(r->body.reveal() == "{}");
    peer.server.reset();
    CHECK(seen.starts_with("GET /a/../b?c=1 HTTP/1.1\r\n"));
    CHECK(seen.find("\r\nAccept: application/json\r\n") != std::string::npos);
    CHECK(seen.find("Authorization") == std::string::npos);
}

TEST_CASE("a form goes out as it is, with the authorization that was given", "[fetch]") {
    std::string seen;
    https_peer peer([&](SSL* ssl) {
        seen = test::read_some(ssl, "code=1&b=%20");
        test::write_all(ssl, ok("{}"));
    });
    const auto f = make_fetcher(peer.options());
    auto r = get(peer.url("/token"));
    r.is_post = true;
    r.body = secret("code=1&b=%20");
    r.authorization = secret("Basic YTpi");
    CHECK(fetch_now(*f, std::move(r)));
    peer.server.reset();
    CHECK(seen.starts_with("POST /token HTTP/1.1\r\n"));
    CHECK(seen.find("\r\nContent-Type: application/x-www-form-urlencoded\r\n") != std::string::npos);
    CHECK(seen.find("\r\nContent-Length: 12\r\n") != std::string::npos);
    CHECK(seen.find("\r\nAuthorization: Basic YTpi\r\n") != std::string::npos);
    CHECK(seen.ends_with("\r\n\r\ncode=1&b=%20"));
}

TEST_CASE("a body of exactly the limit is taken and one byte more is not, whatever the answer says about its length",
          "[fetch]") {
    const auto in_chunks = [](const std::string& body) {
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(body.size() == 9 ? "9" : "8") +
               "\r\n" + body + "\r\n0\r\n\r\n";
    };
    const std::string fits(8, 'x'), too_long(9, 'x');
    const auto [answer, expected] = GENERATE_COPY(table<std::string, errc>(
        {{ok(fits), errc::ok},
         {ok(too_long), errc::too_large},
         {in_chunks(fits), errc::ok},
         {in_chunks(too_long), errc::too_large},
         {"HTTP/1.1 200 OK\r\n\r\n" + fits, errc::ok},
         {"HTTP/1.1 200 OK\r\n\r\n" + too_long, errc::too_large},
         {"HTTP/1.1 200 OK\r\nX: " + std::string(40'000, 'y') + "\r\n\r\n", errc::too_large}}));
    https_peer peer(says(answer));
    const auto f = make_fetcher(peer.options());
    auto r = get(peer.url());
    r.max_bytes = 8;
    CHECK(code_of(fetch_now(*f, std::move(r))) == expected);
}

TEST_CASE("interim answers without end are cut off", "[fetch]") {
    https_peer peer([](SSL* ssl) {
        test::read_some(ssl, "\r\n\r\n");
        const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        for (int i = 0; i < 4000; ++i)
            test::write_all(ssl, interim);
    });
    const auto f = make_fetcher(peer.options());
    CHECK(code_of(fetch_now(*f, get(peer.url()))) == errc::too_large);
}

TEST_CASE("a redirect is a failure and is not followed", "[fetch]") {
    https_peer target(says(ok("{}")));
    https_peer peer(says("HTTP/1.1 302 Found\r\nLocation: " + target.url() + "\r\nContent-Length: 0\r\n\r\n"));
    const auto f = make_fetcher(peer.options());
    const auto r = fetch_now(*f, get(peer.url()));
    CHECK(code_of(r) == errc::unexpected_reply);
    CHECK(r.error().what() == "localhost answered with a redirect, which is not followed");
    CHECK(target.connections == 0);
}

TEST_CASE("what is no HTTP is a failure", "[fetch]") {
    https_peer peer(says("SSH-2.0-OpenSSH_9.2\r\n"));
    const auto f = make_fetcher(peer.options());
    CHECK(code_of(fetch_now(*f, get(peer.url()))) == errc::unexpected_reply);
}

TEST_CASE("a certificate of another name or of an unknown authority is not trusted", "[fetch]") {
    https_peer other_name(says(ok("{}")), "other.example");
    const auto f = make_fetcher(other_name.options());
    CHECK(code_of(fetch_now(*f, get(other_name.url()))) == errc::tls_untrusted);
    https_peer good(says(ok("{}")));
    CHECK(code_of(fetch_now(*f, get(good.url()))) == errc::tls_untrusted);  // signed by an authority of its own
    CHECK(code_of(fetch_now(*make_fetcher(good.options()), get(good.url()))) == errc::ok);
}

TEST_CASE("a server that does not answer is given up on", "[fetch]") {
    silent_peer silent;
    const auto f = make_fetcher(silent.peer.options());
    auto r = get(silent.peer.url());
    r.time_limit = 100ms;
    CHECK(code_of(fetch_now(*f, std::move(r))) == errc::connect_timeout);
}

TEST_CASE("the wait for a place counts as time", "[fetch]") {
    silent_peer silent;
    auto options = silent.peer.options();
    options.at_once = 1;
    const auto f = make_fetcher(options);
    auto first = begin(*f, get(silent.peer.url()));
    silent.arrived.wait();
    auto second = get(silent.peer.url());
    second.time_limit = 50ms;
    CHECK(code_of(fetch_now(*f, std::move(second))) == errc::connect_timeout);
    CHECK(silent.peer.connections == 1);
    f->stop();
    CHECK(code_of(wait(first)) == errc::cancelled);
}

TEST_CASE("beyond the bound of the queue requests are refused at once", "[fetch]") {
    silent_peer silent;
    auto options = silent.peer.options();
    options.at_once = 1;
    options.capacity = 2;
    const auto f = make_fetcher(options);
    auto running = begin(*f, get(silent.peer.url()));
    silent.arrived.wait();
    auto second = begin(*f, get(silent.peer.url()));
    auto third = begin(*f, get(silent.peer.url()));
    std::atomic<int> calls{0};
    const auto fourth = f->start(get(silent.peer.url()), [&](outcome<response>) { ++calls; });
    REQUIRE_FALSE(fourth);
    CHECK(fourth.error().code == errc::busy);

    f->stop();
    for (auto* one : {&running, &second, &third})
        CHECK(code_of(wait(*one)) == errc::cancelled);
    f->stop();
    const auto late = f->start(get(silent.peer.url()), [&](outcome<response>) { ++calls; });
    REQUIRE_FALSE(late);
    CHECK(calls == 0);
    CHECK(late.error().code == errc::cancelled);
}

TEST_CASE("a callback may start the next request", "[fetch]") {
    https_peer peer(says(ok("{}")));
    const auto f = make_fetcher(peer.options());
    std::promise<errc> last;
    auto told = last.get_future();
    REQUIRE(f->start(get(peer.url()), [&](outcome<response>) {
        (void)f->start(get(peer.url()), [&](outcome<response> r) { last.set_value(code_of(r)); });
    }));
    REQUIRE(told.wait_for(patience) == std::future_status::ready);
    CHECK(told.get() == errc::ok);
}

TEST_CASE("only https is fetched from, and http from this machine where that is allowed", "[fetch]") {
    fetcher_options options;
    const auto strict = make_fetcher(options);
    options.allows_loopback = true;
    const auto dev = make_fetcher(options);
    std::atomic<int> calls{0};
    const auto unused = [&](outcome<response>) { ++calls; };
    for (const auto* url : {"", "example.com", "http://example.com/", "ftp://example.com/", "file:///etc/passwd",
                            "HTTPS://example.com/", "https://", "https:///x", "https://user@example.com/",
                            "https://a:b@example.com/", "https://example.com/#f", "https://example.com/a b",
                            "https://example.com:99999/", "https://example.com\\@evil.example/", "gopher://127.0.0.1/",
                            "https://ex\xc3\xa4mple.com/", "https://example.com/\r\nX: y", "http://localhost.evil/"}) {
        INFO(url);
        for (const auto& f : {strict.get(), dev.get()}) {
            const auto started = f->start(get(url), unused);
            REQUIRE_FALSE(started);
            CHECK(started.error().code == errc::malformed_url);
        }
    }
    const auto refused = strict->start(get("http://127.0.0.1:1/"), unused);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::malformed_url);
    strict->stop();
    CHECK(calls == 0);

    test::loopback_server plain([](int fd) {
        char block[1024];
        (void)!::read(fd, block, sizeof block);
        const auto answer = ok("{}");
        (void)!::write(fd, answer.data(), answer.size());
    });
    const auto url = "http://localhost:" + std::to_string(plain.port()) + "/";
    CHECK(code_of(fetch_now(*dev, get(url, address_policy::public_only))) == errc::ok);
}

TEST_CASE("addresses that are not public get no connection", "[fetch]") {
    https_peer peer(says(ok("{}")));
    const auto f = make_fetcher(peer.options());
    for (const auto* host :
         {"localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "0x7f000001", "2130706433",
          "169.254.169.254", "10.0.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"}) {
        INFO(host);
        const auto r = fetch_now(*f, get(peer.url("/", host), address_policy::public_only));
        REQUIRE_FALSE(r);
        CHECK(r.error().code == errc::forbidden);
    }
    CHECK(peer.connections == 0);
    auto options = peer.options();
    options.allows_loopback = true;
    const auto dev = make_fetcher(options);
    CHECK(code_of(fetch_now(*dev, get(peer.url(), address_policy::public_only))) == errc::ok);
    CHECK(code_of(fetch_now(*dev, get("https://10.0.0.1/", address_policy::public_only))) == errc::forbidden);
}

TEST_CASE("a proxy of the environment is not used for addresses that must be public", "[fetch]") {
    https_peer peer(says(ok("{}")));
    test::loopback_listener proxy;
    const auto port = proxy.port();
    proxy.close();
    const variable setting("https_proxy", "http://127.0.0.1:" + std::to_string(port));
    auto options = peer.options();
    options.allows_loopback = true;
    const auto f = make_fetcher(options);
    CHECK(code_of(fetch_now(*f, get(peer.url(), address_policy::public_only))) == errc::ok);
    CHECK(code_of(fetch_now(*f, get(peer.url(), address_policy::any))) == errc::server_unreachable);
}

TEST_CASE("only JSON counts as JSON", "[fetch]") {
    const auto [type, expected] = GENERATE(table<const char*, bool>({{"application/json", true},
                                                                     {"application/client+json", true},
                                                                     {"application/+json", false},
                                                                     {"text/json", false},
                                                                     {"application/jsonx", false},
                                                                     {"text/html", false},
                                                                     {"", false}}));
    response r;
    r.content_type = type;
    INFO(type);
    CHECK(r.is_json() == expected);
}
