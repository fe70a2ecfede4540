#include "instatunnel/app/sample_site.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/net/dial.hpp"

using namespace instatunnel;
using namespace std::chrono_literals;

namespace {

/// A visitor that speaks plain bytes.
class visitor {
public:
    explicit visitor(const app::sample_site& site) : fd_(*net::dial({"127.0.0.1", site.port()}, 10s)) {}

    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            wait(POLLOUT);
            const auto n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n <= 0) return;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
    }

    /// Everything up to `end`, or up to the end of the connection if that comes first.
    std::string read_until(std::string_view end) {
        for (;;) {
            const auto found = read_.find(end);
            if (found != std::string::npos) {
                auto result = read_.substr(0, found + end.size());
                read_.erase(0, result.size());
                return result;
            }
            if (!read_more()) return std::exchange(read_, {});
        }
    }

    std::string read_bytes(std::size_t count) {
        while (read_.size() < count && read_more()) {
        }
        auto result = read_.substr(0, count);
        read_.erase(0, result.size());
        return result;
    }

    /// One answer with a Content-Length.
    std::string read_answer(bool has_body = true) {
        auto answer = read_until("\r\n\r\n");
        const auto at = answer.find("Content-Length: ");
        if (has_body && at != std::string::npos) answer += read_bytes(std::stoul(answer.substr(at + 16)));
        return answer;
    }

    bool is_closed() { return read_.empty() && !read_more(); }
    void end_sending() { ::shutdown(fd_.get(), SHUT_WR); }

private:
    bool wait(short what) {
        pollfd one{fd_.get(), what, 0};
        return ::poll(&one, 1, 20'000) > 0;
    }

    bool read_more() {
        char block[16384];
        if (!wait(POLLIN)) return false;
        const auto n = ::recv(fd_.get(), block, sizeof block, 0);
        if (n > 0) read_.append(block, static_cast<std::size_t>(n));
        return n > 0;
    }

    unique_fd fd_;
    std::string read_;
};

std::unique_ptr<app::sample_site> started() {
    auto site = app::sample_site::start();
    REQUIRE(site.has_value());
    return std::move(*site);
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the page names the public URL with the host escaped", "[sample]") {
    const auto site = started();
    visitor one(*site);
    one.send("GET / HTTP/1.1\r\nHost: demo.localhost:8443\r\nX-Forwarded-Proto: https\r\n\r\n");
    const auto page = one.read_answer();
    CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(has(page, "Content-Type: text/html; charset=utf-8\r\n"));
    CHECK(has(page, "<p class=\"url\">https://demo.localhost:8443</p>"));
    CHECK(page.ends_with("</html>\n"));
}

TEST_CASE("a host that would be markup is refused or shown as text", "[sample]") {
    const auto site = started();
    visitor one(*site);
    one.send("GET / HTTP/1.1\r\nHost: a\"><script>x\r\n\r\n");
    CHECK_FALSE(has(one.read_answer(), "<script>x"));
}

TEST_CASE("connections stay open for several requests, pipelined ones too", "[sample]") {
    const auto site = started();
    visitor one(*site);
    one.send(
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\nGET /headers?x HTTP/1.1\r\nHost: "
        "a\r\n"
        "X-Test: one\r\nX-Test: two\r\nConnection: close\r\n\r\n");
    const auto head = one.read_answer(/*has_body=*/false);
    CHECK(head.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(has(head, "Content-Length: 0\r\n"));
    CHECK(one.read_answer().starts_with("HTTP/1.1 404 Not Found\r\n"));
    const auto headers = one.read_answer();
    CHECK(has(headers, "\"path\": \"/headers?x\""));
    CHECK(has(headers, "\"value\": \"one\""));
    CHECK(has(headers, "\"value\": \"two\""));
    CHECK(has(headers, "Connection: close\r\n"));
    CHECK(one.is_closed());
}

TEST_CASE("echo hashes a body of either framing", "[sample]") {
    const auto site = started();
    const std::string body(300'000, 'x');
    const auto expected = "\"sha256\": \"" + to_hex(sha256(body)) + "\"";
    visitor one(*site);
    one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body);
    auto echo = one.read_answer();
    CHECK(has(echo, "\"method\": \"POST\""));
    CHECK(has(echo, "\"bytes\": 300000"));
    CHECK(has(echo, expected));

    std::string chunked = "PUT /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 3; ++i)
        chunked += "186a0\r\n" + std::string(100'000, 'x') + "\r\n";
    one.send(chunked + "0\r\n\r\n");
    echo = one.read_answer();
    CHECK(has(echo, "\"bytes\": 300000"));
    CHECK(has(echo, expected));

    one.send("DELETE /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(has(one.read_answer(), "\"bytes\": 0"));
}

TEST_CASE("a visitor that waits for permission to send gets it", "[sample]") {
    const auto site = started();
    visitor one(*site);
    one.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(one.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    one.send("hi");
    CHECK(has(one.read_answer(), "\"bytes\": 2"));
}

TEST_CASE("a field that is not UTF-8 does not break the answer", "[sample]") {
    const auto site = started();
    visitor one(*site);
    one.send("GET /headers HTTP/1.1\r\nHost: a\r\nX-Raw: \xff\xfe\r\n\r\n");
    CHECK(has(one.read_answer(), "X-Raw"));
}

TEST_CASE("events come one a second, the first at once, while others are served", "[sample]") {
    const auto site = started();
    visitor stream(*site);
    const auto began = std::chrono::steady_clock::now();
    stream.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto head = stream.read_until("\r\n\r\n");
    CHECK(has(head, "Content-Type: text/event-stream\r\n"));
    CHECK(has(head, "Transfer-Encoding: chunked\r\n"));
    CHECK(has(stream.read_until("\n\n\r\n"), "id: 1\nevent: tick\ndata: {\"number\":1,\"time\":\""));

    visitor other(*site);
    other.send("GET /headers HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(other.read_answer().starts_with("HTTP/1.1 200 OK"));

    CHECK(has(stream.read_until("\n\n\r\n"), "id: 2\n"));
    CHECK(std::chrono::steady_clock::now() - began >= 1s);
}

TEST_CASE("an HTTP/1.0 visitor gets events without chunks", "[sample]") {
    const auto site = started();
    visitor stream(*site);
    stream.send("GET /events HTTP/1.0\r\n\r\n");
    CHECK_FALSE(has(stream.read_until("\r\n\r\n"), "Transfer-Encoding"));
    CHECK(stream.read_until("\n\n").starts_with("id: 1\n"));
}

TEST_CASE("what is not HTTP is refused and the site goes on", "[sample]") {
    const auto site = started();
    for (const std::string& bad :
         {std::string("hello\r\n\r\n"), std::string("GET / HTTP/1.1\r\n\r\n"),
          "GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n",
          std::string("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")}) {
        visitor one(*site);
        one.send(bad);
        const auto answer = one.read_answer();
        CHECK(answer.starts_with("HTTP/1.1 4"));
        CHECK(has(answer, "Connection: close\r\n"));
        CHECK(one.is_closed());
    }
    visitor other(*site);
    other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    const auto answer = other.read_answer();
    CHECK(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
    CHECK(has(answer, "Allow: GET, HEAD\r\n"));
}

TEST_CASE("the site serves many connections and stops while they are open", "[sample]") {
    auto site = started();
    std::vector<visitor> visitors;
    for (int i = 0; i < 200; ++i)
        visitors.emplace_back(*site);
    for (auto& one : visitors)
        one.send("GET /headers HTTP/1.1\r\nHost: a\r\n\r\n");
    int served = 0;
    for (auto& one : visitors)
        served += one.read_answer().starts_with("HTTP/1.1 200 OK") ? 1 : 0;
    CHECK(served == 200);
    site.reset();
    CHECK(visitors.front().is_closed());
}
