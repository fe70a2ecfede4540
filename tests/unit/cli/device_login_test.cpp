#include "cli/device_login.hpp"

#include "cli/login.hpp"
#include "cli_fixture.hpp"

using namespace instatunnel;
using namespace instatunnel::cli;
using std::chrono::milliseconds;
using std::chrono::seconds;
using test::status_of;

namespace {

constexpr const char* pending = R"({"error":"authorization_pending"})";
constexpr const char* granted_tokens =
    R"({"access_token":"ita_abc","token_type":"Bearer","refresh_token":"itr_def","scope":"*"})";

/// A server that answers polls from a list, and a clock that only sleeping moves.
struct polling final : api::http_client {
    outcome<api::http_reply> send(std::string_view, const std::string&,
                                  const std::vector<std::pair<std::string, std::string>>&, std::string_view,
                                  milliseconds) override {
        if (answers.empty()) answers.push_back({400, pending});
        const auto [status, body] = answers.front();
        answers.pop_front();
        if (status == 0) return failure(errc::connect_timeout, "Cannot reach the server");
        api::http_reply reply;
        reply.status = status;
        reply.body = secret(body);
        return reply;
    }

    outcome<api::oauth_tokens> run() {
        api::oauth_client client(*this, "https://api.t.example.com");
        api::oauth_server at;
        at.token_endpoint = "https://api.t.example.com/oauth/token";
        api::device_grant grant;
        grant.device_code = secret("dc");
        grant.expires_in = seconds(100);
        grant.interval = seconds(5);
        const polling_seams seams{[this](milliseconds length) {
                                      slept.push_back(length);
                                      clock += length;
                                      return slept.size() < interrupted_at;
                                  },
                                  [this] { return clock; }, [this](const failure&) { ++troubles; }};
        return poll_for_tokens(client, at, grant, seams);
    }
    std::vector<long> seconds_slept() const {
        std::vector<long> all;
        for (const auto length : slept)
            all.push_back(static_cast<long>(length.count() / 1000));
        return all;
    }

    std::deque<std::pair<int, std::string>> answers;
    std::vector<milliseconds> slept;
    std::chrono::steady_clock::time_point clock;
    std::size_t interrupted_at = 1000;
    int troubles = 0;
};

}  // namespace

TEST_CASE("a device polls as often as it may until the person has decided") {
    polling f;
    f.answers = {{400, pending}, {400, pending}, {200, granted_tokens}};
    const auto got = f.run();
    REQUIRE(got.has_value());
    CHECK(got->access_token.reveal() == "ita_abc");
    CHECK(f.seconds_slept() == std::vector<long>{5, 5, 5});
}

TEST_CASE("slow_down adds five seconds to every wait from then on") {
    polling f;
    f.answers = {
        {400, R"({"error":"slow_down"})"}, {400, pending}, {400, R"({"error":"slow_down"})"}, {200, granted_tokens}};
    CHECK(f.run().has_value());
    CHECK(f.seconds_slept() == std::vector<long>{5, 10, 10, 15});
}

TEST_CASE("a server that cannot be reached is asked less and less often, and as before once it answers") {
    polling f;
    f.answers = {{0, ""}, {503, "{}"}, {429, "{}"}, {400, pending}, {200, granted_tokens}};
    CHECK(f.run().has_value());
    CHECK(f.seconds_slept() == std::vector<long>{5, 10, 20, 40, 5});
    CHECK(f.troubles == 1);
}

TEST_CASE("no, too late and nonsense end the polling") {
    const auto ended = [](int status, const char* body) {
        polling f;
        f.answers = {{status, body}};
        auto error = f.run().error();
        CHECK(f.slept.size() == 1);
        return error;
    };
    CHECK(ended(400, R"({"error":"access_denied"})").code == errc::sign_in_denied);
    CHECK(ended(400, R"({"error":"expired_token"})").what() == "Nobody typed the code in time");
    CHECK(ended(400, R"({"error":"unauthorized_client"})").code == errc::unexpected_reply);
    CHECK(ended(200, "nonsense").code == errc::unexpected_reply);
}

TEST_CASE("the polling ends with the code's life, whatever the server says") {
    polling f;
    const auto ended = f.run();
    CHECK(ended.error().code == errc::sign_in_expired);
    CHECK(ended.error().what_next() == "Start again: instatunnel login --device");
    CHECK(f.clock.time_since_epoch() == seconds(100));

    polling unreachable;
    for (int i = 0; i < 100; ++i)
        unreachable.answers.push_back({0, ""});
    CHECK(unreachable.run().error().code == errc::sign_in_expired);
    CHECK(unreachable.seconds_slept() == std::vector<long>{5, 10, 20, 40, 25});
}

TEST_CASE("an interrupted poll is a cancellation") {
    polling f;
    f.interrupted_at = 2;
    CHECK(f.run().error().code == errc::cancelled);
    CHECK(f.slept.size() == 2);
}

namespace {

struct with_device : test::cli_fixture {
    with_device() {
        server.replies["GET /.well-known/oauth-authorization-server"] = {
            200, R"({"issuer":"https://api.instatunnel.my","token_endpoint":"https://api.instatunnel.my/oauth/token",)"
                 R"("device_authorization_endpoint":"https://api.instatunnel.my/oauth/device"})"};
        server.replies["POST /oauth/device"] = {
            200,
            R"({"device_code":"dc","user_code":"WDJB-MJHT","verification_uri":"https://t.example.com/device",)"
            R"("verification_uri_complete":"https://t.example.com/device?c=WDJB-MJHT","expires_in":600,"interval":0})"};
        server.replies["POST /oauth/token"] = {200, granted_tokens};
        server.replies["GET /v1/auth/user"] = {
            200,
            R"({"id":"user_456","email":"user@example.com","plan":"pro","usage":{},"permissions":[],"key":{"id":"tok_1"}})"};
        server.replies["POST /v1/auth/keys"] = {
            201,
            R"({"id":"key_9","name":"CLI","key":"it_1234567890abcdef","permissions":[],"created_at":"2026-01-01T00:00:00Z"})"};
    }
};

const login_options device{.email = {}, .device = true};

}  // namespace

TEST_CASE("login --device tells page and code and stores the key") {
    with_device f;
    CHECK(status_of(f.run(run_login, device)) == 0);
    CHECK(f.err.text() ==
          "On any device with a browser, go to: https://t.example.com/device\nand type this code: WDJB-MJHT\n"
          "Waiting for your answer there, for 10 minutes; Ctrl+C stops\n"
          "Signed in as user@example.com at https://api.instatunnel.my\n");
    CHECK(f.out.text() == "✅ Login successful\n🔑 API Key: it_1234567890abcdef\n");
    CHECK(f.store().load("default").value()->key_id == "key_9");
}

TEST_CASE("a QR code is drawn for a person on a terminal that can show it, and for nobody else") {
    const std::string drawn = "▀";
    with_device f;
    f.person_at_terminal();
    f.env.utf8 = true;
    CHECK(status_of(f.run(run_login, device)) == 0);
    CHECK(f.err.text().find(drawn) != std::string::npos);
    with_device narrow_locale;
    narrow_locale.person_at_terminal();
    CHECK(status_of(narrow_locale.run(run_login, device)) == 0);
    CHECK(narrow_locale.err.text().find(drawn) == std::string::npos);
    with_device piped;
    piped.person_at_terminal();
    piped.env.utf8 = true;
    piped.traits.out_is_tty = false;
    CHECK(status_of(piped.run(run_login, device)) == 0);
    CHECK(piped.err.text().find(drawn) == std::string::npos);
}

TEST_CASE("login --device --json gives the code as an object") {
    with_device f;
    f.globals.json = true;
    CHECK(status_of(f.run(run_login, device)) == 0);
    CHECK(f.out.text().starts_with(
        R"({"event":"login.device","user_code":"WDJB-MJHT","verification_uri":"https://t.example.com/device",)"
        R"("verification_uri_complete":"https://t.example.com/device?c=WDJB-MJHT","expires_in":600})"
        "\n"
        R"({"event":"login",)"));
    CHECK(f.err.text().empty());
}
