#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <memory>
#include <optional>
#include <string>

#include "catch_outcome.hpp"
#include "instatunnel/fetch/fetcher.hpp"
#include "instatunnel/net/tls.hpp"
#include "loopback_server.hpp"
#include "test_authority.hpp"

namespace instatunnel::fetch::testing {

/// Far longer than anything here takes: a test that waits this long has failed.
inline constexpr std::chrono::seconds patience{30};

/// A TLS server on loopback that hands every connection to `talk`, and the authority that signed it.
struct https_peer {
    test::temporary_folder folder;
    test::test_authority authority;
    std::string cacert = folder.write("ca.pem", authority.pem());
    std::atomic<int> connections{0};
    net::ssl_ctx_ptr ctx;
    std::optional<test::loopback_server> server;

    explicit https_peer(std::function<void(SSL*)> talk, const std::string& name = "localhost") {
        const auto pair = authority.sign(name);
        auto source =
            net::file_certificates::load(folder.write("c.pem", pair.certificate), folder.write("k.pem", pair.key));
        REQUIRE(source.has_value());
        ctx = *net::make_server_context(*source, nullptr);
        server.emplace([this, talk = std::move(talk)](int fd) {
            ++connections;
            test::serve_tls(ctx.get(), fd, talk);
        });
    }

    std::string url(const std::string& path = "/", const std::string& host = "localhost") const {
        return "https://" + host + ":" + std::to_string(server->port()) + path;
    }
    fetcher_options options() const {
        fetcher_options o;
        o.cacert = cacert;
        return o;
    }
};

inline auto says(std::string answer) {
    return [answer = std::move(answer)](SSL* ssl) {
        test::read_some(ssl, "\r\n\r\n");
        test::write_all(ssl, answer);
    };
}

inline std::string ok(const std::string& body, const std::string& fields = "") {
    return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + fields + "\r\n" + body;
}

inline request get(std::string url, address_policy addresses = address_policy::any) {
    request r;
    r.url = std::move(url);
    r.addresses = addresses;
    r.time_limit = patience;
    return r;
}

/// Starts it; the future gets what the callback gets.
inline std::future<outcome<response>> begin(fetcher& by, request what) {
    auto told = std::make_shared<std::promise<outcome<response>>>();
    auto answer = told->get_future();
    const auto started = by.start(std::move(what), [told](outcome<response> r) { told->set_value(std::move(r)); });
    REQUIRE(started);
    return answer;
}

inline outcome<response> wait(std::future<outcome<response>>& answer) {
    REQUIRE(answer.wait_for(patience) == std::future_status::ready);
    return answer.get();
}

inline outcome<response> fetch_now(fetcher& by, request what) {
    auto answer = begin(by, std::move(what));
    return wait(answer);
}

inline errc code_of(const outcome<response>& r) {
    return r ? errc::ok : r.error().code;
}

}  // namespace instatunnel::fetch::testing
