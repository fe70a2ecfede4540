#include "cli/loopback_callback.hpp"

#include <future>
#include <thread>

#include "loopback_browser.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using test::loopback_browser;

namespace {

const std::string expected_issuer = "https://api.t.example.com";
const std::string right = "/cb?code=the-code&state=the-state&iss=https%3A%2F%2Fapi.t.example.com";
constexpr auto long_enough = std::chrono::minutes(10);
const callback_page goodbye{200, "Signed <in>", "You & I"};

struct fixture {
    std::unique_ptr<loopback_callback> callback = loopback_callback::open("the-state", expected_issuer).value();
    const std::uint16_t port = test::port_of(callback->redirect_uri());
    const std::string host = "127.0.0.1:" + std::to_string(port);

    std::string ask(const std::string& target, const std::string& named = {}) const {
        return loopback_browser(port).get(target, named.empty() ? host : named).answer();
    }
    std::string ask_raw(const std::string& text) const { return loopback_browser(port).send(text).answer(); }

    /// What wait() gives while somebody does this elsewhere.
    outcome<secret> wait_while(const std::function<void()>& somebody_else) {
        std::thread other(somebody_else);
        auto code = callback->wait(long_enough);
        callback->finish(goodbye);
        other.join();
        return code;
    }
};

bool is(const std::string& answer, const char* status) {
    return answer.starts_with("HTTP/1.1 " + std::string(status) + " ");
}

}  // namespace

TEST_CASE("the answer that the browser brings is the code, and the browser is told how it ended") {
    fixture f;
    CHECK(f.callback->redirect_uri() == "http://127.0.0.1:" + std::to_string(f.port) + "/cb");
    std::string page;
    const auto code = f.wait_while([&] { page = f.ask(right); });
    REQUIRE(code.has_value());
    CHECK(code->reveal() == "the-code");
    CHECK(is(page, "200"));
    CHECK(page.find("<h1>Signed &lt;in&gt;</h1>\n<p>You &amp; I</p>") != std::string::npos);
    CHECK(page.find("\r\nCache-Control: no-store\r\n") != std::string::npos);
    CHECK(page.find("\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-") != std::string::npos);
    CHECK(page.find("\r\nReferrer-Policy: no-referrer\r\n") != std::string::npos);
    CHECK(page.find("prefers-color-scheme:dark") != std::string::npos);
    CHECK(page.find("<script") == std::string::npos);
    CHECK(page.find("the-code") == std::string::npos);
}

TEST_CASE("what is no answer to our request is refused, and the sign-in goes on") {
    fixture f;
    const auto code = f.wait_while([&] {
        CHECK(is(f.ask("/"), "404"));
        CHECK(is(f.ask("/favicon.ico"), "404"));
        CHECK(is(f.ask("/cb/" + right.substr(3)), "404"));
        CHECK(is(f.ask(right, "evil.example.com"), "404"));
        CHECK(is(f.ask(right, "localhost:" + std::to_string(f.port)), "404"));
        CHECK(is(f.ask(right, "127.0.0.1"), "404"));
        CHECK(is(f.ask_raw("POST " + right + " HTTP/1.1\r\nHost: " + f.host + "\r\nContent-Length: 0\r\n\r\n"), "404"));
        CHECK(is(f.ask("/cb"), "400"));
        CHECK(is(f.ask("/cb?code=evil&state=the-statf&iss=" + expected_issuer), "400"));
        CHECK(is(f.ask("/cb?code=evil&state=&iss=" + expected_issuer), "400"));
        CHECK(is(f.ask(right + "&state=the-state"), "400"));
        CHECK(is(f.ask("/cb?state=the-state&iss=" + expected_issuer), "400"));
        CHECK(is(f.ask("/cb?state=the-state&code=a%0ab&iss=" + expected_issuer), "400"));
        CHECK(is(f.ask("/cb?state=%zz"), "400"));
        CHECK(is(f.ask_raw("\x16\x03\x01\r\n\r\n"), "400"));
        CHECK(is(f.ask(right), "200"));
    });
    REQUIRE(code.has_value());
    CHECK(code->reveal() == "the-code");
}

TEST_CASE("a second answer is told that the first was used") {
    fixture f;
    auto first = std::async(std::launch::async, [&] { return f.ask(right); });
    const auto code = f.callback->wait(long_enough);
    loopback_browser late(f.port);
    late.get("/cb?code=another&state=the-state&iss=https%3A%2F%2Fapi.t.example.com", f.host);
    loopback_browser stranger(f.port);
    stranger.get("/cb?code=another&state=nonsense", f.host);
    f.callback->finish(goodbye);
    CHECK(code.value().reveal() == "the-code");
    CHECK(is(first.get(), "200"));
    const auto told = late.answer();
    CHECK(is(told, "410"));
    CHECK(told.find("This was used already") != std::string::npos);
    CHECK(is(stranger.answer(), "400"));
}

TEST_CASE("a refusal in the browser ends the wait with its reason") {
    const auto ended = [](const std::string& query) {
        fixture f;
        return f.wait_while([&] { f.ask("/cb?state=the-state&" + query); }).error();
    };
    const auto iss = "iss=" + expected_issuer;
    CHECK(ended("error=access_denied&" + iss).code == errc::sign_in_denied);
    const auto other = ended("error=server_error&error_description=Try%20later%1b[31m&" + iss);
    CHECK(other.code == errc::unexpected_reply);
    CHECK(other.what() == "The server refused the sign-in: Try later?[31m");
    CHECK(ended("error=server_error&" + iss).what() == "The server refused the sign-in: server_error");
}

TEST_CASE("the answer of another server is never used") {
    for (const char* query : {"code=c", "code=c&iss=https://evil.example.com", "code=c&iss=https://api.t.example.com/",
                              "code=c&iss=https://api.t.example.com&iss=https://api.t.example.com"}) {
        CAPTURE(query);
        fixture f;
        const auto code = f.wait_while([&] { f.ask("/cb?state=the-state&" + std::string(query)); });
        REQUIRE(code.has_error());
        CHECK(code.error().code == errc::unexpected_reply);
        CHECK(code.error().what().find("another server") != std::string_view::npos);
    }
}

TEST_CASE("connections that say nothing do not keep the answer out") {
    fixture f;
    const auto code = f.wait_while([&] {
        std::vector<std::unique_ptr<loopback_browser>> silent;
        for (int i = 0; i < 20; ++i) {
            silent.push_back(std::make_unique<loopback_browser>(f.port));
            silent.back()->send("GET /cb?code=");
        }
        CHECK(is(f.ask(right), "200"));
    });
    CHECK(code.has_value());
}

TEST_CASE("a request without an end is cut off") {
    fixture f;
    const auto code = f.wait_while([&] {
        CHECK(is(f.ask_raw("GET /cb?" + std::string(20'000, 'a')), "400"));
        std::string many = "GET /cb HTTP/1.1\r\nHost: " + f.host + "\r\n";
        for (int i = 0; i < 100; ++i)
            many += "X-" + std::to_string(i) + ": 1\r\n";
        CHECK(is(f.ask_raw(many + "\r\n"), "400"));
        CHECK(is(f.ask(right), "200"));
    });
    CHECK(code.has_value());
}

TEST_CASE("nobody who comes in time is an end of its own") {
    fixture f;
    CHECK(f.callback->wait(std::chrono::milliseconds(1)).error().code == errc::sign_in_expired);
}

TEST_CASE("a stop ends the wait, before it and in it, and nothing listens afterwards") {
    fixture f;
    f.callback->stop();
    CHECK(f.callback->wait(long_enough).error().code == errc::cancelled);

    fixture g;
    std::thread other([&] {
        CHECK(is(g.ask("/"), "404"));  // it waits by now
        g.callback->stop();
    });
    CHECK(g.callback->wait(long_enough).error().code == errc::cancelled);
    other.join();
    g.callback->finish(goodbye);
    CHECK(loopback_browser(g.port).connected());
    g.callback.reset();
    CHECK_FALSE(loopback_browser(g.port).connected());
}
