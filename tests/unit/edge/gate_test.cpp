#include "edge/gate.hpp"

#include <catch2/catch.hpp>

#include "instatunnel/base/encoding.hpp"
#include "instatunnel/base/form.hpp"

using namespace instatunnel;
using namespace instatunnel::edge;
using namespace std::chrono;

namespace {

constexpr sys_seconds today = sys_days(year(2026) / 11 / 29);
const steady_clock::time_point gate_time{hours(1)};

gate_wish wish_of(const char* password, const char* basic = "", const char* seed = "seed of the client's process") {
    return {secret(password), secret(basic), secret(seed)};
}

// One visitor's address before one tunnel.
struct visitor_address {
    explicit visitor_address(const gate_wish& wish, std::string host = "demo.example.com")
        : door(wish, std::move(host)) {}

    gate::verdict ask(std::vector<wire::field> fields, std::string_view path = "/", std::string_view method = "GET") {
        wire::request_head head;
        head.method = method;
        head.path = path;
        head.fields = std::move(fields);
        return door.check(head, tries, gate_time, wall);
    }
    int status(std::vector<wire::field> fields, std::string_view path = "/", std::string_view method = "GET") {
        const auto v = ask(std::move(fields), path, method);
        return v.refusal ? v.refusal->status : 0;
    }
    service::api_response submit(const std::string& password, const std::string& to = "/") {
        return door.sign_in("password=" + percent_encode(password) + "&to=" + percent_encode(to), tries, gate_time,
                            wall);
    }
    // As a browser would send it back.
    std::string cookie() { return cookie_of(submit("open sesame")); }
    static std::string cookie_of(const service::api_response& r) {
        for (const auto& [name, value] : r.fields)
            if (name == "Set-Cookie") return value.substr(0, value.find(';'));
        return {};
    }

    gate door;
    auth::token_bucket tries{auth::bucket_rule::per_minute(10), gate_time};
    sys_seconds wall = today;
};

std::string field_of(const service::api_response& r, std::string_view name) {
    for (const auto& [n, value] : r.fields)
        if (n == name) return value;
    return {};
}

std::string basic(const std::string& credentials) {
    return "Basic " + to_base64(credentials);
}

constexpr std::string_view browser_accept = "text/html,application/xhtml+xml,*/*;q=0.8";

}  // namespace

TEST_CASE("a browser without the password gets a page that asks for it") {
    visitor_address v(wish_of("open sesame"));
    const auto r = *v.ask({{"Accept", browser_accept}}, "/a?b=\"<x>\"").refusal;
    CHECK(r.status == 401);
    CHECK(field_of(r, "Content-Type") == "text/html; charset=utf-8");
    CHECK(field_of(r, "Cache-Control") == "no-store");
    CHECK(field_of(r, "Content-Security-Policy").find("unsafe") == std::string::npos);
    CHECK(field_of(r, "WWW-Authenticate").starts_with("InstaTunnel-Password"));
    CHECK(r.body.find("<form method=\"post\" action=\"/.instatunnel/sign-in\">") != std::string::npos);
    CHECK(r.body.find("value=\"/a?b=&quot;&lt;x&gt;&quot;\"") != std::string::npos);
    CHECK(r.body.find("<script") == std::string::npos);
    CHECK(r.body.find("<label for=\"password\">") != std::string::npos);
}

TEST_CASE("a program without the password is told how to send it") {
    visitor_address v(wish_of("open sesame"));
    const auto r = *v.ask({{"Accept", "application/json"}}).refusal;
    CHECK(r.status == 401);
    CHECK(field_of(r, "Content-Type") == "application/json");
    CHECK(field_of(r, "WWW-Authenticate") == "Basic realm=\"demo.example.com\", charset=\"UTF-8\"");
    // A script in a page would make the browser ask with a box of its own.
    CHECK(field_of(*v.ask({{"Accept", "*/*"}, {"Sec-Fetch-Mode", "cors"}}).refusal, "WWW-Authenticate")
              .starts_with("InstaTunnel-Password"));
}

TEST_CASE("the password opens by header and as Basic with any user name") {
    visitor_address v(wish_of("open sesame"));
    CHECK(v.ask({{"X-Tunnel-Password", "open sesame"}}).shown == gate::proof::header);
    CHECK(v.status({{"X-Tunnel-Password", "open sesame"}}) == 0);
    for (const auto* user : {"", "anyone", "x y"})
        CHECK(v.status({{"Authorization", basic(std::string(user) + ":open sesame")}}) == 0);
    CHECK(v.status({{"authorization", "basic  " + to_base64("a:open sesame")}}) == 0);
    for (const auto& wrong :
         {basic("open sesame:"), basic("open sesame"), basic("a:Open sesame"), basic("a:open sesame "),
          std::string("Basic !!!"), std::string("Basic "), std::string("Bearer open sesame")})
        CHECK(v.status({{"Authorization", wrong}}) == 401);
}

TEST_CASE("the page's form gives a cookie that opens, and leads back") {
    visitor_address v(wish_of("open sesame"));
    const auto r = v.submit("open sesame", "/docs/?q=1");
    CHECK(r.status == 303);
    CHECK(field_of(r, "Location") == "/docs/?q=1");
    const auto set = field_of(r, "Set-Cookie");
    CHECK(set.starts_with("__Host-instatunnel-access="));
    CHECK(set.ends_with("; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax"));
    const auto cookie = visitor_address::cookie_of(r);
    CHECK(v.ask({{"Cookie", "a=1; " + cookie + "; b=2"}}).shown == gate::proof::cookie);
    CHECK(v.status({{"Cookie", "a=1"}, {"Cookie", cookie}}) == 0);
    CHECK(v.submit("wrong").status == 401);
    CHECK(field_of(v.submit("wrong"), "Set-Cookie").empty());
}

TEST_CASE("a cookie is good for its time, host, password and client, unchanged") {
    visitor_address v(wish_of("open sesame"));
    const auto cookie = v.cookie();
    v.wall = today + hours(24) - seconds(1);
    CHECK(v.status({{"Cookie", cookie}}) == 0);
    v.wall = today + hours(24);
    CHECK(v.status({{"Cookie", cookie}}) == 401);

    const auto opens = [&](const gate_wish& wish, const char* host) {
        return visitor_address(wish, host).status({{"Cookie", cookie}}) == 0;
    };
    CHECK(opens(wish_of("open sesame"), "demo.example.com"));
    CHECK_FALSE(opens(wish_of("open sesame"), "other.example.com"));
    CHECK_FALSE(opens(wish_of("another one"), "demo.example.com"));
    CHECK_FALSE(opens(wish_of("open sesame", "", "another process"), "demo.example.com"));
    CHECK_FALSE(opens(wish_of("open sesame", "", ""), "demo.example.com"));

    v.wall = today;
    const auto value = cookie.substr(cookie.find('=') + 1);
    const std::string name = "__Host-instatunnel-access=";
    for (const auto& forged :
         {std::string(), std::string("."), "9" + value, value + "x", value.substr(0, value.size() - 1),
          value.substr(0, value.find('.')), value.substr(0, value.find('.') + 1), "-" + value,
          "99999999999999999999" + value.substr(value.find('.'))})
        CHECK(v.status({{"Cookie", name + forged}}) == 401);
    CHECK(v.status({{"Cookie", "x" + cookie}}) == 401);
}

TEST_CASE("the form leads back to this host only") {
    visitor_address v(wish_of("open sesame"));
    for (const auto* away :
         {"//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\r\nX: y", "/a b", "/\tx"})
        CHECK(field_of(v.submit("open sesame", away), "Location") == "/");
    CHECK(field_of(v.submit("open sesame", "/" + std::string(5000, 'a')), "Location") == "/");
    CHECK(v.ask({{"Accept", browser_accept}}, "//evil.example").refusal->body.find("evil") == std::string::npos);
}

TEST_CASE("the eleventh wrong password of an address in a minute is not even compared") {
    visitor_address v(wish_of("open sesame"));
    const auto cookie = v.cookie();
    for (int i = 0; i < 5; ++i) {
        CHECK(v.status({{"X-Tunnel-Password", "wrong"}}) == 401);
        CHECK(v.submit("wrong").status == 401);
    }
    CHECK(v.status({{"X-Tunnel-Password", "open sesame"}}) == 429);
    CHECK(v.status({{"Authorization", basic("a:open sesame")}}) == 429);
    const auto refused = v.submit("open sesame");
    CHECK(refused.status == 429);
    CHECK(field_of(refused, "Retry-After") == "60");
    // Who is in already stays in, and asking without a password costs nothing.
    CHECK(v.status({{"Cookie", cookie}}) == 0);
    CHECK(v.status({{"Accept", browser_accept}}) == 401);
}

TEST_CASE("right passwords do not count") {
    visitor_address v(wish_of("open sesame"));
    for (int i = 0; i < 100; ++i)
        CHECK(v.status({{"X-Tunnel-Password", "open sesame"}}) == 0);
}

TEST_CASE("user name and password open as Basic and in no other way") {
    visitor_address v(wish_of("", "ann:pass:word"));
    CHECK(v.ask({{"Authorization", basic("ann:pass:word")}}).shown == gate::proof::basic);
    CHECK(v.status({{"Authorization", basic("bob:pass:word")}}) == 401);
    CHECK(v.status({{"Authorization", basic("ann:pass")}}) == 401);
    CHECK(v.status({{"X-Tunnel-Password", "pass:word"}}) == 401);
    const auto r = *v.ask({{"Accept", browser_accept}}).refusal;
    CHECK(field_of(r, "WWW-Authenticate") == "Basic realm=\"demo.example.com\", charset=\"UTF-8\"");
    CHECK(r.body.find("<form") == std::string::npos);
    CHECK_FALSE(v.ask({}, "/.instatunnel/sign-in", "POST").is_sign_in);
    CHECK(v.submit("").status == 401);
    CHECK(v.submit("pass:word").status == 401);
}

TEST_CASE("a browser's preflight goes to the app, nothing else without the password does") {
    visitor_address v(wish_of("open sesame"));
    const std::vector<wire::field> preflight{{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "PUT"}};
    CHECK(v.status(preflight, "/", "OPTIONS") == 0);
    CHECK(v.status(preflight, "/", "PUT") == 401);
    CHECK(v.status({{"Access-Control-Request-Method", "PUT"}}, "/", "OPTIONS") == 401);
    CHECK(v.status({}, "/", "OPTIONS") == 401);
}

TEST_CASE("what was the tunnel's own does not reach the app, what is the app's does") {
    visitor_address v(wish_of("open sesame"));
    const auto cookie = v.cookie();
    std::string scratch;
    const auto left = [&](gate::proof shown, std::vector<wire::field> fields) {
        v.door.hide(shown, fields, scratch);
        std::string text;
        for (const auto& f : fields)
            text += std::string(f.name) + "=" + std::string(f.value) + "|";
        return text;
    };
    CHECK(left(gate::proof::basic, {{"Authorization", "Basic x"}, {"A", "1"}}) == "A=1|");
    CHECK(left(gate::proof::cookie, {{"Authorization", "Bearer app"}, {"Cookie", cookie}}) ==
          "Authorization=Bearer app|");
    CHECK(left(gate::proof::header, {{"Authorization", "Bearer app"}, {"x-tunnel-password", "open sesame"}}) ==
          "Authorization=Bearer app|");
    const auto mixed = "a=1;" + cookie + ";b=\"2\"";
    CHECK(left(gate::proof::cookie, {{"Cookie", mixed}, {"cookie", "c=3;d"}}) == "Cookie=a=1; b=\"2\"|cookie=c=3;d|");
    CHECK(left(gate::proof::none, {{"Cookie", "a=1;b=2;c=__Host-instatunnel-access;d=4"}, {"Cookie", mixed}}) ==
          "Cookie=a=1; b=2; c=__Host-instatunnel-access; d=4|Cookie=a=1; b=\"2\"|");

    visitor_address other(wish_of("", "ann:pw"));
    std::vector<wire::field> fields{{"X-Tunnel-Password", "the app's own"}, {"Cookie", "a=1"}};
    other.door.hide(gate::proof::basic, fields, scratch);
    CHECK(fields.size() == 2);
}
