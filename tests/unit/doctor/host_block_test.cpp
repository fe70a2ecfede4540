#include "doctor/host_block.hpp"

#include <catch2/catch.hpp>

using namespace instatunnel;
using client::local_answer;
using doctor::check_state;
using doctor::host_answers;
using doctor::judge_public_name;
using doctor::recognise_host_block;

namespace {

local_answer reply(int status, std::string body = {}, std::string location = {}) {
    local_answer a;
    a.status = status;
    a.body = std::move(body);
    if (!location.empty()) a.fields.emplace_back("location", std::move(location));
    return a;
}

doctor::check judged(const host_answers& heard) {
    return judge_public_name(heard, "doctor.t.example.com", "t.example.com", "3000");
}

constexpr const char* vite =
    "Blocked request. This host (\"doctor.t.example.com\") is not allowed.\n"
    "To allow this host, add \"doctor.t.example.com\" to `server.allowedHosts` in vite.config.js.";

}  // namespace

TEST_CASE("development servers are recognised by their words") {
    const std::pair<local_answer, const char*> known[] = {
        {reply(403, vite), "Vite"},
        {reply(403, "Blocked request. This host (\"x\") is not allowed. add it to `preview.allowedHosts`"), "Vite"},
        {reply(403,
               "This request has been blocked because this host (\"x\") is not allowed.\nTo allow it, add it to "
               "\"allowedHosts\" under the \"serve\" target in angular.json"),
         "Angular"},
        {reply(403, "Invalid Host header"), "webpack-dev-server"},
        {reply(200, "Invalid Host header"), "webpack-dev-server"},
        {reply(403, "<h1>Blocked hosts: doctor.t.example.com</h1>"), "Rails"},
        {reply(403, "<h1>Blocked host: doctor.t.example.com</h1>"), "Rails"},
        {reply(400, "<title>DisallowedHost at /</title>"), "Django"},
        {reply(400, "<h1>Bad Request (400)</h1>"), "Django"},
        {reply(400, "Invalid host header"), "Starlette"},
        {reply(400, "Untrusted Host \"doctor.t.example.com\"."), "Symfony"},
        {reply(400, "<h2>Bad Request - Invalid Hostname</h2>"), "ASP.NET"},
        {reply(403, "Blocking request with non-local 'Host' doctor.t.example.com"), "Jupyter"},
    };
    for (const auto& [answer, program] : known) {
        const auto block = recognise_host_block(answer, "t.example.com");
        REQUIRE(block);
        CHECK(block->program == program);
        CHECK(block->setting.find("{}") == std::string::npos);
    }
    CHECK(recognise_host_block(reply(403, vite), "t.example.com")->setting ==
          "server: { allowedHosts: ['.t.example.com'] } in vite.config");
}

TEST_CASE("pages that are served are no refusals, whatever they say") {
    CHECK_FALSE(recognise_host_block(reply(200, "How to mend DisallowedHost and ALLOWED_HOSTS"), "a.b"));
    CHECK_FALSE(recognise_host_block(reply(200,
                                           "Invalid Host header is a message that you may have met before; here "
                                           "is what it means"),
                                     "a.b"));
    CHECK_FALSE(recognise_host_block(reply(500, vite), "a.b"));
    CHECK_FALSE(recognise_host_block(reply(403, "no"), "a.b"));
}

TEST_CASE("a refusal names the program, and the flag if that helps") {
    host_answers heard{reply(200), reply(403, vite), reply(200), std::nullopt};
    auto c = judged(heard);
    CHECK(c.state == check_state::warning);
    CHECK(c.found == "\"doctor.t.example.com\": status 403");
    CHECK(c.cause == "Vite refuses visitors who come by the public name");
    CHECK(c.mend ==
          "instatunnel 3000 --host-header rewrite, or set server: { allowedHosts: ['.t.example.com'] } in vite.config");
    heard.rewritten = reply(403, vite);
    CHECK(judged(heard).mend == "Set server: { allowedHosts: ['.t.example.com'] } in vite.config");
    heard.as_public = reply(421);
    CHECK(judged(heard).cause == "The program refuses visitors who come by the public name");
    CHECK(judged(heard).mend == "Allow names below t.example.com in the program's configuration");
}

TEST_CASE("a program that answers both names alike refuses nobody") {
    for (const int status : {200, 301, 401, 403, 404, 500})
        CHECK(judged({reply(status), reply(status), std::nullopt, std::nullopt}).state == check_state::ok);
    CHECK(judged({reply(200), reply(302, {}, "/login"), std::nullopt, std::nullopt}).state == check_state::ok);
    // It refuses everybody, so the name is not the reason.
    CHECK(judged({reply(403, vite), reply(403, vite), std::nullopt, std::nullopt}).state == check_state::ok);
}

TEST_CASE("redirects to this machine and scripts that Next.js refuses are told") {
    for (const auto* location : {"http://localhost:3000/", "https://127.0.0.1", "http://[::1]:80/x"})
        CHECK(judged({reply(200), reply(302, {}, location), std::nullopt, std::nullopt}).state == check_state::warning);
    for (const auto* location : {"http://localhost.example.com/", "https://t.example.com/", "http://localhos", "/"})
        CHECK(judged({reply(200), reply(302, {}, location), std::nullopt, std::nullopt}).state == check_state::ok);
    const auto next = judged({reply(200), reply(200), std::nullopt, reply(403, "Unauthorized")});
    CHECK(next.state == check_state::warning);
    CHECK(next.mend == "Set allowedDevOrigins: ['*.t.example.com'] in next.config.js");
    CHECK(judged({reply(200), reply(200), std::nullopt, reply(404)}).state == check_state::ok);
}
