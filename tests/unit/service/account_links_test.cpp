#include <chrono>
#include <condition_variable>
#include <mutex>
#include <regex>

#include "catch_outcome.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/mail/mailer.hpp"
#include "instatunnel/service/admin_accounts.hpp"
#include "service_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::service;
using namespace instatunnel::service::testing;
using nlohmann::json;

namespace {

struct seen_mail {
    std::string to;
    std::string subject;
    std::string text;
};

class fake_mailer final : public mail::mailer {
public:
    outcome<void> post(mail::message m) override {
        const std::lock_guard hold(mutex_);
        mails_.push_back({m.to, m.subject, std::string(m.text.reveal())});
        return {};
    }
    void stop() override {}
    std::vector<seen_mail> mails() {
        const std::lock_guard hold(mutex_);
        return mails_;
    }

private:
    std::mutex mutex_;
    std::vector<seen_mail> mails_;
};

struct mail_fixture : service_fixture {
    mail_fixture() : service_fixture(/*dev=*/false) {
        options.sign_up = sign_up_policy::open;
        options.mail = &mailer;
        restart();
    }

    // Whatever was asked for before has been done once another call was answered.
    std::vector<seen_mail> mails() {
        call("GET", "/health");
        return mailer.mails();
    }

    std::string last_token() {
        const auto all = mails();
        if (all.empty()) FAIL("no mail");
        std::smatch found;
        const auto& text = all.back().text;
        if (!std::regex_search(text, found, std::regex("token=([A-Za-z0-9]{43})"))) FAIL(text);
        return found[1];
    }

    std::string ask_reset(const std::string& email) {
        REQUIRE(call("POST", "/v1/auth/password/reset-request", "", {{"email", email}}).status == 202);
        return last_token();
    }

    reply reset(const std::string& token, const std::string& password, json more = json::object()) {
        more["token"] = token;
        more["password"] = password;
        return call("POST", "/v1/auth/password/reset", "", more);
    }

    int login(const std::string& email, const std::string& password) {
        return call("POST", "/v1/auth/login", "", {{"email", email}, {"password", password}}).status;
    }

    reply form(const std::string& path, const std::string& body) {
        api_request request;
        request.method = "POST";
        request.path = path;
        request.remote_address = address;
        request.body = secret(body);
        return page(std::move(request));
    }

    reply get(const std::string& path, const std::string& query) {
        api_request request;
        request.method = "GET";
        request.path = path;
        request.query = query;
        request.remote_address = address;
        return page(std::move(request));
    }

    reply page(api_request request) { return call_raw(std::move(request)); }

    fake_mailer mailer;
};

constexpr const char* ann_email = "ann@example.com";

}  // namespace

TEST_CASE("registering sends a mail whose link verifies the address") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    REQUIRE(f.mails().size() == 1);
    CHECK(f.mails()[0].to == ann_email);
    CHECK(f.mails()[0].subject == "Confirm your email address for t.example.com");
    CHECK(f.mails()[0].text.find("https://api.t.example.com:8443/auth/verify?token=") != std::string::npos);
    CHECK(f.call("GET", "/v1/auth/user", key).body["email_verified"] == false);
    const auto token = f.last_token();
    CHECK(f.call("POST", "/v1/auth/verify-email", "", {{"token", token}}).body["email_verified"] == true);
    CHECK(f.call("GET", "/v1/auth/user", key).body["email_verified"] == true);
    const auto again = f.call("POST", "/v1/auth/verify-email", "", {{"token", token}});
    CHECK(is_error(again, 422, "invalid", 4022));
    CHECK(again.body["field"] == "token");
    CHECK(is_error(f.call("POST", "/v1/auth/verify-email/resend", key), 409, "conflict", 4009));
}

TEST_CASE("a verification can be sent again, and only the newest link works") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    const auto first = f.last_token();
    REQUIRE(f.call("POST", "/v1/auth/verify-email/resend", key).status == 202);
    const auto second = f.last_token();
    REQUIRE(first != second);
    CHECK(f.call("POST", "/v1/auth/verify-email", "", {{"token", first}}).status == 422);
    CHECK(f.call("POST", "/v1/auth/verify-email", "", {{"token", second}}).status == 200);
}

TEST_CASE("a verification link works for 24 hours, a reset link for one") {
    mail_fixture f;
    f.sign_up(ann_email);
    const auto verify = f.last_token();
    const auto reset = f.ask_reset(ann_email);
    f.advance(std::chrono::minutes(59));
    const auto later = f.get("/auth/reset", "token=" + reset);
    CHECK(later.text.find("<form") != std::string::npos);
    f.advance(std::chrono::minutes(1));
    CHECK(f.reset(reset, "gravity falls up").status == 422);
    f.advance(std::chrono::hours(22));
    CHECK(f.get("/auth/verify", "token=" + verify).text.find("<form") != std::string::npos);
    f.advance(std::chrono::hours(1));
    CHECK(f.call("POST", "/v1/auth/verify-email", "", {{"token", verify}}).status == 422);
}

TEST_CASE("tunnels open once the address is verified") {
    mail_fixture f;
    f.options.require_verified_email = true;
    f.restart();
    const auto key = f.sign_up(ann_email);
    CHECK(f.admit(key, "demo").error().code == errc::email_not_verified);
    REQUIRE(f.call("POST", "/v1/auth/verify-email", "", {{"token", f.last_token()}}).status == 200);
    CHECK(f.admit(key, "demo"));
}

TEST_CASE("a reset link changes the password once, verifies the address and ends the keys that signing in made") {
    mail_fixture f;
    const auto login_key = f.sign_up(ann_email);
    const auto ci = f.key_with(login_key, {"tunnels:*"});
    const auto token = f.ask_reset(ann_email);
    CHECK(f.mails().back().subject == "Choose a new password for t.example.com");
    const auto done = f.reset(token, "gravity falls up");
    REQUIRE(done.status == 200);
    CHECK(done.body == json({{"revoked_keys", 1}}));
    CHECK(f.login(ann_email, "correct horse") == 401);
    CHECK(f.login(ann_email, "gravity falls up") == 200);
    CHECK(f.call("GET", "/v1/auth/user", login_key).body["reason"] == "revoked_key");
    CHECK(f.call("GET", "/v1/auth/user", ci).body["email_verified"] == true);
    REQUIRE(f.edge.closed_keys().size() == 1);
    CHECK(f.edge.closed_keys()[0].second == errc::revoked_key);
    CHECK(f.reset(token, "gravity falls down").status == 422);
}

TEST_CASE("whoever resets a password may end all keys, or none") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    const auto ci = f.key_with(key, {"tunnels:*"});
    CHECK(f.reset(f.ask_reset(ann_email), "gravity falls up", {{"revoke_keys", "none"}}).body["revoked_keys"] == 0);
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
    CHECK(f.reset(f.ask_reset(ann_email), "gravity falls down", {{"revoke_keys", "all"}}).body["revoked_keys"] == 2);
    CHECK(f.call("GET", "/v1/auth/user", ci).status == 401);
    f.advance(std::chrono::hours(1));
    const auto bad = f.reset(f.ask_reset(ann_email), "gravity falls left", {{"revoke_keys", "some"}});
    CHECK(bad.body["field"] == "revoke_keys");
}

TEST_CASE("a weak password does not use a reset link up") {
    mail_fixture f;
    f.sign_up(ann_email);
    const auto token = f.ask_reset(ann_email);
    const auto weak = f.reset(token, "password1");
    CHECK(is_error(weak, 422, "invalid", 4022));
    CHECK(weak.body["field"] == "password");
    CHECK(f.reset(token, "gravity falls up").status == 200);
}

TEST_CASE("a newer reset link, or a new password, kills the one before") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    const auto first = f.ask_reset(ann_email);
    const auto second = f.ask_reset(ann_email);
    CHECK(f.reset(first, "gravity falls up").status == 422);
    REQUIRE(
        f.call("POST", "/v1/auth/password", key, {{"current", "correct horse"}, {"new", "gravity falls up"}}).status ==
        200);
    CHECK(f.reset(second, "gravity falls down").status == 422);
}

TEST_CASE("asking for a reset says nothing about who has an account, and costs the same") {
    mail_fixture f;
    f.sign_up(ann_email);
    REQUIRE(f.mails().size() == 1);
    const unsigned hashes = f.password_hashes;
    const auto known = f.call("POST", "/v1/auth/password/reset-request", "", {{"email", ann_email}});
    const auto unknown = f.call("POST", "/v1/auth/password/reset-request", "", {{"email", "bob@example.com"}});
    CHECK(known.status == 202);
    CHECK(known.status == unknown.status);
    CHECK(known.text == unknown.text);
    CHECK(f.mails().size() == 2);
    CHECK(f.password_hashes == hashes);
    REQUIRE(disable_user(f.folder.path(), ann_email, true));
    const auto disabled = f.call("POST", "/v1/auth/password/reset-request", "", {{"email", ann_email}});
    CHECK(disabled.text == known.text);
    CHECK(f.mails().size() == 2);
    CHECK(f.call("POST", "/v1/auth/password/reset-request", "", {{"email", "nonsense"}}).body["field"] == "email");
}

TEST_CASE("mails to one address and from one address are limited, known or not") {
    mail_fixture f;
    f.sign_up(ann_email);
    for (const char* email : {ann_email, "bob@example.com"}) {
        f.address = email == ann_email ? "203.0.113.1" : "203.0.113.2";
        for (int i = 0; i < 3; ++i)
            CHECK(f.call("POST", "/v1/auth/password/reset-request", "", {{"email", email}}).status == 202);
        const auto more = f.call("POST", "/v1/auth/password/reset-request", "", {{"email", email}});
        CHECK(is_error(more, 429, "rate_limited", 4029));
    }
    f.address = "203.0.113.3";
    int taken = 0;
    for (int i = 0; i < 12; ++i)
        if (f.call("POST", "/v1/auth/password/reset-request", "", {{"email", "u" + std::to_string(i) + "@example.com"}})
                .status == 202)
            ++taken;
    CHECK(taken == 10);
}

TEST_CASE("a reset link of a disabled account does not work") {
    mail_fixture f;
    f.sign_up(ann_email);
    const auto token = f.ask_reset(ann_email);
    REQUIRE(disable_user(f.folder.path(), ann_email, true));
    CHECK(f.reset(token, "gravity falls up").status == 422);
}

TEST_CASE("an account that was made by an email alone gets its password by the link in the mail") {
    mail_fixture f;
    const auto made = f.call("POST", "/auth/register", "", {{"email", ann_email}});
    REQUIRE(made.status == 201);
    CHECK(f.mails().back().subject == "Your account at t.example.com");
    f.advance(std::chrono::hours(23));
    REQUIRE(f.reset(f.last_token(), "gravity falls up", {{"revoke_keys", "none"}}).status == 200);
    CHECK(f.login(ann_email, "gravity falls up") == 200);
    CHECK(f.call("GET", "/v1/auth/user", made.body["api_key"]).body["email_verified"] == true);
}

TEST_CASE("a password is changed with the one before, and other keys end if that is wished") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    const std::string other =
        f.call("POST", "/v1/auth/login", "", {{"email", ann_email}, {"password", "correct horse"}}).body["api_key"];
    const auto change = [&](const char* current, const char* next, const json& revoke = nullptr) {
        return f.call("POST", "/v1/auth/password", key, {{"current", current}, {"new", next}, {"revoke_keys", revoke}});
    };
    CHECK(change("wrong horse", "gravity falls up").body["field"] == "current");
    CHECK(change("correct horse", "password1").body["field"] == "new");
    CHECK(change("correct horse", "gravity falls up", "some").body["field"] == "revoke_keys");
    CHECK(change("correct horse", "gravity falls up").body["revoked_keys"] == 0);
    CHECK(f.call("GET", "/v1/auth/user", other).status == 200);
    CHECK(change("gravity falls up", "gravity falls down", "all").body["revoked_keys"] == 1);
    CHECK(f.call("GET", "/v1/auth/user", other).status == 401);
    CHECK(f.call("GET", "/v1/auth/user", key).status == 200);
    CHECK(f.login(ann_email, "gravity falls down") == 200);
    const auto limited = f.key_with(key, {"tunnels:*"});
    CHECK(f.call("POST", "/v1/auth/password", limited, {{"current", "x"}, {"new", "y"}}).body["required_scope"] ==
          "account:write");
}

TEST_CASE("a key is no way to try passwords faster than login is") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    reply last;
    for (int i = 0; i < 11; ++i)
        last = f.call("POST", "/v1/auth/password", key, {{"current", "wrong horse"}, {"new", "gravity falls up"}});
    CHECK(is_error(last, 429, "rate_limited", 4029));
}

TEST_CASE("a user renames themselves") {
    mail_fixture f;
    const auto key = f.sign_up(ann_email);
    const auto renamed = f.call("PATCH", "/v1/auth/user", key, {{"name", "Ann B."}});
    REQUIRE(renamed.status == 200);
    CHECK(renamed.body["name"] == "Ann B.");
    CHECK(f.call("PATCH", "/v1/auth/user", key, {{"name", "a\nb"}}).body["field"] == "name");
    const auto limited = f.key_with(key, {"account:read"});
    CHECK(f.call("PATCH", "/v1/auth/user", limited, {{"name", "x"}}).body["required_scope"] == "account:write");
}

TEST_CASE("opening the page behind a link changes nothing; sending its form does") {
    mail_fixture f;
    f.sign_up(ann_email);
    const auto verify = f.last_token();
    for (int i = 0; i < 3; ++i) {
        const auto page = f.get("/auth/verify", "token=" + verify);
        CHECK(page.status == 200);
        CHECK(page.text.find("value=\"" + verify + "\"") != std::string::npos);
    }
    CHECK(f.form("/auth/verify", "token=" + verify).text.find("Your address is confirmed") != std::string::npos);
    CHECK(f.get("/auth/verify", "token=" + verify).text.find("<form") == std::string::npos);

    const auto token = f.ask_reset(ann_email);
    CHECK(f.get("/auth/reset", "x=1&token=" + token).text.find("<form") != std::string::npos);
    const auto weak = f.form("/auth/reset", "token=" + token + "&password=password1");
    CHECK(weak.text.find("too easy to guess") != std::string::npos);
    CHECK(weak.text.find("value=\"" + token + "\"") != std::string::npos);
    CHECK(weak.text.find("password1") == std::string::npos);
    const auto done = f.form("/auth/reset", "token=" + token + "&password=gravity+falls%21up");
    CHECK(done.text.find("1 API key has ended") != std::string::npos);
    CHECK(f.login(ann_email, "gravity falls!up") == 200);
    CHECK(f.form("/auth/reset", "token=" + token + "&password=gravity+falls+up").text.find("does not work any more") !=
          std::string::npos);
}

TEST_CASE("the pages load nothing, run nothing, are not framed or kept, and tell nobody their address") {
    mail_fixture f;
    for (const char* token : {"", "x", "\"><script>alert(1)</script>", "%22%3E%3Cscript%3E"}) {
        const auto page = f.get("/auth/reset", std::string("token=") + token);
        CHECK(page.status == 200);
        CHECK(page.text.find("<script") == std::string::npos);
        CHECK(page.field("Content-Type") == "text/html; charset=utf-8");
        CHECK(page.field("Content-Security-Policy").starts_with("default-src 'none'; style-src 'sha256-"));
        CHECK(page.field("Content-Security-Policy").find("frame-ancestors 'none'") != std::string::npos);
        CHECK(page.field("X-Frame-Options") == "DENY");
        CHECK(page.field("Referrer-Policy") == "no-referrer");
        CHECK(page.field("Cache-Control") == "no-store");
        CHECK(page.field("X-Content-Type-Options") == "nosniff");
    }
}

TEST_CASE("the owner makes a reset link without a mail server, which proves nothing about the address") {
    service_fixture f(/*dev=*/false);
    f.options.sign_up = sign_up_policy::open;
    f.restart();
    const auto key = f.sign_up(ann_email);
    const auto asked = f.call("POST", "/v1/auth/password/reset-request", "", {{"email", ann_email}});
    CHECK(asked.status == 202);
    CHECK(asked.body["message"].get<std::string>().find("admin user reset-link") != std::string::npos);
    CHECK(is_error(f.call("POST", "/v1/auth/verify-email/resend", key), 403, "forbidden", 4003));
    const auto link = make_reset_link(f.folder.path(), ann_email, "");
    REQUIRE(link);
    const std::string url(link->url.reveal());
    const std::string base = "https://api.t.example.com:8443/auth/reset?token=";
    REQUIRE(url.starts_with(base));
    const auto done = f.call("POST", "/v1/auth/password/reset", "",
                             {{"token", url.substr(base.size())}, {"password", "gravity falls up"}});
    CHECK(done.status == 200);
    CHECK_FALSE(show_user(f.folder.path(), ann_email)->email_verified);
    CHECK(make_reset_link(f.folder.path(), "bob@example.com", "").error().code == errc::not_found);
}
