#include "service/cors.hpp"

#include "catch_outcome.hpp"
#include "instatunnel/service/origin.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;

namespace {

constexpr const char* page_origin = "https://app.example.com";

reply ask(service_fixture& f, const std::string& method, const std::string& path, const std::string& origin,
          const std::string& wanted = {}) {
    api_request request;
    request.method = method;
    request.path = path;
    request.remote_address = service_fixture::remote;
    if (!origin.empty()) request.fields.emplace_back("Origin", origin);
    if (!wanted.empty()) request.fields.emplace_back("Access-Control-Request-Method", wanted);
    return f.call_raw(std::move(request));
}

bool names_any(const reply& r) {
    for (const auto& [name, value] : r.fields)
        if (name.starts_with("Access-Control-")) return true;
    return false;
}

struct open_to_page : service_fixture {
    open_to_page() {
        options.cors_origins = {page_origin, "http://localhost:3000"};
        restart();
    }
};

}  // namespace

TEST_CASE("an origin is taken exactly as browsers send it") {
    for (const char* good : {"https://app.example.com", "http://localhost:3000", "https://a.b-c.example:8443",
                             "http://127.0.0.1:5173", "http://[::1]:3000", "https://xn--bcher-kva.example"})
        CHECK(check_origin(good).value() == good);
    CHECK(check_origin("HTTPS://App.Example.COM").value() == "https://app.example.com");
    for (const char* bad : {"",
                            "*",
                            "null",
                            "app.example.com",
                            "https://",
                            "https://*",
                            "https://*.example.com",
                            "https://a.example/",
                            "https://a.example/path",
                            "https://a.example?x",
                            "https://user@a.example",
                            "https://a.example:443",
                            "http://a.example:80",
                            "https://a.example:0",
                            "https://a.example:08",
                            "https://a.example:65536",
                            "https://a.example:",
                            "https://a..example",
                            "https://.example",
                            "https://a.example.",
                            "ftp://a.example",
                            "https://a b.example",
                            "https://a.example\r\nX: y",
                            "https://[::1",
                            "https://[]"}) {
        INFO(bad);
        const auto refused = check_origin(bad);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == errc::usage);
    }
}

TEST_CASE("no web page may call the API by default") {
    service_fixture f;
    const auto r = ask(f, "GET", "/v1/health", page_origin);
    CHECK(r.status == 200);
    CHECK_FALSE(names_any(r));
    CHECK(r.field("Vary").empty());
    const auto preflight = ask(f, "OPTIONS", "/v1/auth/keys", page_origin, "POST");
    CHECK(preflight.status == 405);
    CHECK_FALSE(names_any(preflight));
}

TEST_CASE("pages of an allowed origin may read answers, errors too, and never with credentials") {
    open_to_page f;
    for (const char* path : {"/v1/health", "/v1/auth/user", "/nowhere"}) {
        const auto r = ask(f, "GET", path, page_origin);
        CHECK(r.field("Access-Control-Allow-Origin") == page_origin);
        CHECK(r.field("Vary") == "Origin");
        CHECK(r.field("Access-Control-Expose-Headers") ==
              "RateLimit-Limit, RateLimit-Policy, RateLimit-Remaining, RateLimit-Reset, Retry-After, X-Request-Id");
        CHECK(r.field("Access-Control-Allow-Credentials").empty());
    }
    CHECK(ask(f, "GET", "/v1/health", "http://localhost:3000").field("Access-Control-Allow-Origin") ==
          "http://localhost:3000");
}

TEST_CASE("other origins get nothing, and caches are told that the answer depends on it") {
    open_to_page f;
    for (const char* origin : {"", "null", "https://app.example.com:8443", "http://app.example.com",
                               "https://app.example.com.evil.example", "https://evil.example", "*"}) {
        const auto r = ask(f, "GET", "/v1/health", origin);
        CHECK_FALSE(names_any(r));
        CHECK(r.field("Vary") == "Origin");
        CHECK_FALSE(names_any(ask(f, "OPTIONS", "/v1/auth/keys", origin, "POST")));
    }
}

TEST_CASE("a preflight of an allowed origin names the methods of the path and the fields that may be sent") {
    open_to_page f;
    const auto r = ask(f, "OPTIONS", "/v1/auth/keys/key_1", page_origin, "DELETE");
    CHECK(r.status == 204);
    CHECK(r.text.empty());
    CHECK(r.field("Access-Control-Allow-Origin") == page_origin);
    CHECK(r.field("Access-Control-Allow-Methods") == "GET, HEAD, PATCH, DELETE");
    CHECK(r.field("Access-Control-Allow-Headers") == "Authorization, Content-Type, X-API-Key");
    CHECK(r.field("Access-Control-Max-Age") == "600");
    CHECK(r.field("Vary") == "Origin");
    CHECK(ask(f, "OPTIONS", "/nowhere", page_origin, "GET").status == 404);
    CHECK(ask(f, "OPTIONS", "/v1/auth/keys", page_origin).status == 405);
}
